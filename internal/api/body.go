package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// body reads the whole body under the route's limit and checks its media type and, of
// JSON, its measure.
func (c *call) body() ([]byte, error) {
	want := c.route.Accepts
	if want == "" {
		want = "application/json"
	}
	if got := c.r.Header.Get("Content-Type"); got != "" || c.route.Accepts != "" {
		media, _, err := mime.ParseMediaType(got)
		if err != nil || !mediaFits(media, want) {
			return nil, entity.Errorf(entity.KindUnsupported, "send the body as %s", want)
		}
	}
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, entity.Errorf(entity.KindUnsupported, "send the body as it is, without a Content-Encoding")
	}
	if c.r.ContentLength > c.limit { // no need to read what will be refused
		return nil, entity.Errorf(entity.KindTooLarge, "the body is larger than %d bytes", c.limit)
	}
	data, err := c.receive()
	if err != nil {
		return nil, c.broken(err)
	}
	if len(data) == 0 {
		return nil, entity.BadRequest("the request has no body")
	}
	if strings.Contains(want, "json") {
		return data, checkMeasure(data)
	}
	return data, nil
}

// broken words why a body did not arrive.
func (c *call) broken(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return entity.Errorf(entity.KindTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.w.Header().Set("Connection", "close")
		return entity.Errorf(entity.KindTimeout, "the body did not arrive in time")
	case entity.AsError(err) != nil:
		return err
	}
	return entity.BadRequest("the body could not be read to its end")
}

// Bodies that are on their way take no place among the requests that are worked on:
// whoever sends slowly holds up nobody else. Those of strangers, who need no credential
// to send one, are few at a time and have to be quick.
const (
	strangerBodies = 128
	strangerTime   = 10 * time.Second
)

// receive reads the body once there is room for it. It has to arrive in time.
func (c *call) receive() ([]byte, error) {
	if c.r.ContentLength == 0 {
		return nil, nil
	}
	room, limit := c.arrivals, c.limits.Timeout
	if c.route.Access == Public {
		room, limit = c.strangers, min(limit, c.limits.StrangerTime)
	}
	place := placeOf(c.ctx())
	place.leave()
	select {
	case room <- struct{}{}:
	case <-c.ctx().Done():
		return nil, entity.Errorf(entity.KindUnavailable, "the server is busy; try again in a moment")
	}
	conn := http.NewResponseController(c.w)
	// Not every writer has a connection: tests have some that never wait.
	_ = conn.SetReadDeadline(time.Now().Add(limit))
	data, err := readChunks(c.r.Body)
	<-room
	if err != nil {
		return nil, err // the deadline stays: nothing more is read from this connection
	}
	_ = conn.SetReadDeadline(time.Time{})
	if !place.take(c.ctx()) {
		return nil, entity.Errorf(entity.KindUnavailable, "the server is busy; try again in a moment")
	}
	return data, nil
}

// The sizes of the pieces in which a body is read. They grow, so that a small one takes
// little and a large one few pieces.
const (
	firstChunk = 4 << 10
	lastChunk  = 1 << 20
)

// readChunks reads to the end. In contrast to io.ReadAll, what ends in an error is never
// copied.
func readChunks(r io.Reader) ([]byte, error) {
	var full [][]byte
	total, size := 0, firstChunk
	for {
		chunk := make([]byte, size)
		n, err := io.ReadFull(r, chunk)
		total += n
		switch {
		case err == nil:
			full = append(full, chunk)
			size = min(2*size, lastChunk)
			continue
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return nil, err
		case len(full) == 0:
			return chunk[:n], nil
		}
		data := make([]byte, 0, total)
		for _, piece := range full {
			data = append(data, piece...)
		}
		return append(data, chunk[:n]...), nil
	}
}

func mediaFits(got, want string) bool {
	for accepted := range strings.SplitSeq(want, ",") {
		if got == strings.TrimSpace(accepted) {
			return true
		}
	}
	return false
}

// decode reads a JSON body into v, refusing what v does not know.
func (c *call) decode(v any) error {
	data, err := c.body()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true), jsontext.AllowDuplicateNames(false)); err != nil {
		return entity.BadRequest("the body cannot be read: %s", wordJSON(err))
	}
	return nil
}

// wordJSON words a JSON error for the client: where it is and what is wrong, and
// nothing of our Go types.
func wordJSON(err error) string {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "a member is there twice"
	case errors.As(err, &syntactic):
		return fmt.Sprintf("it is not valid JSON at byte %d", syntactic.ByteOffset)
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return fmt.Sprintf("Unrecognized field %q", entity.Shorten(semantic.JSONPointer.LastToken(), 100))
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return fmt.Sprintf("%s has a value of the wrong kind", entity.Shorten(string(semantic.JSONPointer), 100))
	}
	return "it is not of the form that is expected here"
}
