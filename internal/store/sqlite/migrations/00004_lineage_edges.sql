-- +goose Up

-- Lineage between services, domains and data products is a sum over all edges, which
-- are few among the relations.
CREATE INDEX relation_lineage ON relation (from_id, to_id) WHERE kind = 'upstream';
