// Package richtext makes texts that people write harmless: descriptions and messages
// are Markdown, which may hold HTML, and are shown to others.
//
// Nobody knows what a reader of such a text takes it for, Markdown of some dialect or
// HTML, and a text can be made so that one sees code where the other sees a script. So
// nothing is read as a whole. Every "<" that may begin a tag is judged by itself,
// wherever it stands: in code, in a comment, in an attribute of another tag. One that
// begins something active becomes "&lt;", and the "]" before an active address becomes
// "&#93;"; what was to be run is then shown as it was written. All other bytes stay as
// they are, which a library that parses and writes HTML anew cannot promise: clients
// compare what they read with what they sent.
//
// The package imports nothing of ours.
package richtext
