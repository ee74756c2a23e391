// Package password hashes and checks passwords, judges their strength and makes
// random ones. It keeps nothing and imports nothing of ours but entity.
package password
