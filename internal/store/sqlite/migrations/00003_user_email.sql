-- +goose Up

-- Users are found by their address at every sign-in that names one. The expression
-- is the one that lists compare members by.
CREATE INDEX entity_user_email ON entity (CAST(json_extract(CAST(doc AS TEXT), '$."email"') AS TEXT)) WHERE type = 'user';
