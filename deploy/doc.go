// Package deploy holds files for those who run the server, and tests that look whether
// they fit the program. It has no product code.
package deploy
