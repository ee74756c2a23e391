package postgres

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Codes of PostgreSQL's errors (its documentation, appendix A).
const (
	uniqueViolation  = "23505"
	badCharacters    = "22021"
	lockNotAvailable = "55P03"
	queryCanceled    = "57014"
	diskFull         = "53100"
	readOnly         = "25006"
)

func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isRaw tells whether an error is one of the database or of the way to it.
func isRaw(err error) bool {
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &server) || errors.As(err, &connect) || errors.As(err, &network) || isCut(err)
}

// isCut tells whether the connection turned out to be closed.
func isCut(err error) bool {
	return errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.HasPrefix(code(err), "57P")
}

func unavailable(err error, message string) error {
	return &entity.Error{Kind: entity.KindUnavailable, Cause: err, Message: message}
}

// translate gives an error of the database a message that is fit for clients.
func translate(err error) error {
	switch c := code(err); {
	case c == lockNotAvailable:
		return unavailable(err, "The catalog is busy with another server's writes; try again in a moment.")
	case c == queryCanceled:
		return unavailable(err, "The database took too long for this; ask for less at a time, or try again later.")
	case c == diskFull:
		return unavailable(err, "The database has no disk space left to store this.")
	case c == readOnly:
		return unavailable(err, "The catalog can only be read at the moment.")
	case c == badCharacters:
		invalid := entity.BadRequest("A text holds a character that cannot be stored, such as NUL.")
		invalid.Cause = err
		return invalid
	case c == "", strings.HasPrefix(c, "08"), strings.HasPrefix(c, "57P"), strings.HasPrefix(c, "53"):
		// No answer at all, a connection that was lost, a server that stops or has too
		// many connections.
		if c != "" || isRaw(err) {
			return unavailable(err, "The database does not answer at the moment; try again in a moment.")
		}
	case strings.HasPrefix(c, "40"):
		return unavailable(err, "Another write was in the way; try again.")
	}
	return entity.Internal(err)
}
