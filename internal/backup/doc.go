// Package backup reads and writes backups: one file with the files of a data directory,
// compressed, and encrypted where a passphrase or a key is given. It imports nothing of
// ours and knows no database: what is to be kept it is handed.
//
// Inside age's format, if it is encrypted, is a stream of Zstandard, inside of that a tar
// archive. Its first member says what it is, its last one which files there are with their
// digests: a file that was cut off anywhere has none, and is refused.
package backup
