// Package notify tells others about changes: it follows the change feed for every
// destination of every event subscription, from a position that is stored, and sends
// what the subscription asks for and its author may see.
//
// Each destination is a line of its own. Its position moves on with the note of what
// became of an event, in one transaction, so that after a crash at most the event that
// was on its way is sent again, and none is left out. Lines do not wait for each other.
//
// It may import alert, engine, entity, handlebars, registry, richtext and store.
package notify
