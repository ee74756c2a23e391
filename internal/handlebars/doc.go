// Package handlebars renders the templates of notifications: a closed part of the
// Handlebars language. There are values, the blocks if, unless, each and with, and a
// fixed list of helpers; nothing is evaluated, loaded or called beyond those, and
// parsing and rendering have limits. What is put in is escaped for HTML, but in triple
// braces.
//
// It may import nothing of ours but entity.
package handlebars
