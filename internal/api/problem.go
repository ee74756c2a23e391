package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// statusOfKind is the one table that turns kinds of error into HTTP statuses.
var statusOfKind = map[entity.Kind]int{
	entity.KindInternal:       http.StatusInternalServerError,
	entity.KindBadRequest:     http.StatusBadRequest,
	entity.KindUnauthorized:   http.StatusUnauthorized,
	entity.KindForbidden:      http.StatusForbidden,
	entity.KindNotFound:       http.StatusNotFound,
	entity.KindConflict:       http.StatusConflict,
	entity.KindPrecondition:   http.StatusPreconditionFailed,
	entity.KindTooLarge:       http.StatusRequestEntityTooLarge,
	entity.KindTimeout:        http.StatusRequestTimeout,
	entity.KindUnsupported:    http.StatusUnsupportedMediaType,
	entity.KindMethod:         http.StatusMethodNotAllowed,
	entity.KindNotImplemented: http.StatusNotImplemented,
	entity.KindUnavailable:    http.StatusServiceUnavailable,
	entity.KindUpstream:       http.StatusBadGateway,
}

// typeOfKind is the stable name of a kind in answers.
var typeOfKind = map[entity.Kind]string{
	entity.KindInternal:       "INTERNAL",
	entity.KindBadRequest:     "BAD_REQUEST",
	entity.KindUnauthorized:   "UNAUTHORIZED",
	entity.KindForbidden:      "FORBIDDEN",
	entity.KindNotFound:       "NOT_FOUND",
	entity.KindConflict:       "CONFLICT",
	entity.KindPrecondition:   "PRECONDITION_FAILED",
	entity.KindTooLarge:       "TOO_LARGE",
	entity.KindTimeout:        "REQUEST_TIMEOUT",
	entity.KindUnsupported:    "UNSUPPORTED_MEDIA_TYPE",
	entity.KindMethod:         "METHOD_NOT_ALLOWED",
	entity.KindNotImplemented: "NOT_IMPLEMENTED",
	entity.KindUnavailable:    "UNAVAILABLE",
	entity.KindUpstream:       "UPSTREAM",
}

// problem is the one shape of an error answer. Clients read code and message.
type problem struct {
	Code      int    `json:"code"`
	Message   string `json:"message"`
	ErrorType string `json:"errorType"`
	ErrorCode string `json:"errorCode,omitzero"`
	Hint      string `json:"hint,omitzero"`
	RequestID string `json:"requestId,omitzero"`
}

// statusOf returns the HTTP status of an error.
func statusOf(err error) int {
	if errors.Is(err, context.Canceled) {
		return 499 // the client closed the connection; only the log sees it
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable
	}
	return statusOfKind[entity.KindOf(err)]
}

// hides tells whether an error is more than what the client is told. Whoever is turned
// away because the server is busy is told all, and there may be a thousand a second;
// the access log counts them.
func hides(e *entity.Error) bool { return e.Kind != entity.KindUnavailable || e.Cause != nil }

// fail answers with an error and logs what the client must not see.
func (c *call) fail(err error) {
	known := entity.AsError(err)
	if known == nil {
		if errors.Is(err, context.DeadlineExceeded) {
			known = &entity.Error{Kind: entity.KindUnavailable, Message: "the request took too long and was given up", Cause: err}
		} else {
			known = entity.Internal(err)
		}
	}
	status := statusOf(err)
	if status == 499 {
		status = http.StatusServiceUnavailable
	}
	if status >= 500 && status != http.StatusNotImplemented && hides(known) {
		c.log.LogAttrs(c.ctx(), slog.LevelError, "request failed", slog.String("route", c.route.Path), slog.Any("err", err), slog.String("request", requestID(c.ctx())))
	}
	h := c.w.Header()
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	h.Del("ETag")
	if c.failPage(status, known) {
		return
	}
	p := problem{
		Code: status, Message: known.Message, ErrorType: typeOfKind[known.Kind], ErrorCode: known.Code, Hint: known.Hint,
		RequestID: requestID(c.ctx()),
	}
	if writeErr := c.json(status, p); writeErr != nil {
		c.log.ErrorContext(c.ctx(), "an error answer could not be written", "err", writeErr)
	}
}
