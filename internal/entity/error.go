package entity

import (
	"errors"
	"fmt"
)

// Kind classifies an error for whoever has to answer it. The api package turns
// kinds into HTTP statuses in one table.
type Kind int

// The kinds of error.
const (
	KindInternal       Kind = iota // a defect or a broken disk: the caller can do nothing
	KindBadRequest                 // the input is wrong; the message says where
	KindUnauthorized               // no or no valid credential
	KindForbidden                  // known caller, missing right
	KindNotFound                   // the thing named does not exist
	KindConflict                   // it exists already, or changed meanwhile
	KindPrecondition               // If-Match names another state
	KindTooLarge                   // the body exceeds its limit
	KindTimeout                    // the body did not arrive in time
	KindUnsupported                // media type
	KindMethod                     // method not allowed here
	KindNotImplemented             // known route, not built
	KindUnavailable                // try again later
	KindUpstream                   // a server behind this one refused us or answered nonsense
)

// Error is what crosses package borders: a kind, a message fit for clients
// (never a query, a path or a secret) and a hidden cause for the log.
type Error struct {
	Kind    Kind
	Message string
	Code    string // stable machine code such as SEC-TOK-EXPIRED; optional
	Hint    string // what to do next; optional
	Cause   error  // logged, never sent
}

// Error returns the public message followed by the hidden cause; for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of the first Error in err's chain, KindInternal when
// there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// Errorf makes an error of the given kind with a public message.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// BadRequest makes a KindBadRequest error.
func BadRequest(format string, args ...any) *Error { return Errorf(KindBadRequest, format, args...) }

// Forbidden makes a KindForbidden error.
func Forbidden(format string, args ...any) *Error { return Errorf(KindForbidden, format, args...) }

// Conflict makes a KindConflict error.
func Conflict(format string, args ...any) *Error { return Errorf(KindConflict, format, args...) }

// NotFound says that no entity of the type is known under the name or id. The
// sentence is the one clients of the API know.
func NotFound(typ, nameOrID string) *Error {
	return Errorf(KindNotFound, "%s instance for %s not found", typ, Shorten(nameOrID, 300))
}

// Internal wraps an unexpected cause; the public message tells nothing of it.
func Internal(cause error) *Error {
	return &Error{Kind: KindInternal, Message: "The server met an unexpected problem. The log has the details under the request id.", Cause: cause}
}

// AsError returns the first Error in err's chain, nil when there is none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
