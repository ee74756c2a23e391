package openapi

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Operation describes one method of one path.
type Operation struct {
	Method, Path string // the path as the server has it, e.g. /api/v1/tables/{id}
	ID           string // unique in the document; "" lets the document name it
	Query        []Param
	In, Out      Shape    // of the body, "" for none; of the answer, "" for what is not known, "none" for none
	Accepts      []string // media types of the body; empty for application/json
	Sends        []int    // statuses of success, 501 for what is not built, 503 for what always lacks something; see Successes
	Security     Security
	Note         string // who may call it, or what else there is to say
}

// Successes are the statuses of success: 200, and for a POST 201 as well, unless the
// operation names its own.
func (op *Operation) Successes() []int {
	switch {
	case len(op.Sends) > 0:
		return op.Sends
	case op.Method == http.MethodPost:
		return []int{http.StatusOK, http.StatusCreated}
	}
	return []int{http.StatusOK}
}

// Security says what a caller has to show.
type Security int

// What a caller has to show.
const (
	Token   Security = iota // a bearer token
	Nothing                 // nothing
	Session                 // the cookie of a session
)

// Shape names what a body holds: the path of a schema; "page:", "list:" or "map:" and
// a shape; a JSON type; "any"; or a media type such as text/csv for what is no JSON.
type Shape string

// Param is a query parameter.
type Param struct {
	Name     string
	Type     string   // string, integer, number, boolean, uuid, Include, or list: and one of these
	Enum     []string // values, for a string
	Required bool
	Default  string
	Min, Max string
	Note     string
}

var paramForm = regexp.MustCompile(`^\?([A-Za-z_]+)(?::([^!=(]+))?(!)?(?:=([^(]*))?(?:\(([^,]*),([^)]*)\))?$`)

// Refuses tells whether a status says that the operation is not to be had here: not
// built, or not without something this server does not have.
func Refuses(status int) bool {
	return status == http.StatusNotImplemented || status == http.StatusServiceUnavailable
}

// Parse reads a line of facts:
//
//	METHOD PATH [op=ID] [in=SHAPE] [out=SHAPE] [sends=STATUS,...] [?NAME:TYPE!=DEFAULT(MIN,MAX)]...
//
// where TYPE may be values divided by |, and ! marks a parameter that is required.
func Parse(line string) (Operation, error) {
	words := strings.Fields(line)
	if len(words) < 2 || !strings.HasPrefix(words[1], "/") {
		return Operation{}, fmt.Errorf("%q is no route", line)
	}
	op := Operation{Method: words[0], Path: words[1]}
	for _, word := range words[2:] {
		if err := op.take(word); err != nil {
			return Operation{}, fmt.Errorf("%s %s: %w", op.Method, op.Path, err)
		}
	}
	return op, nil
}

func (op *Operation) take(word string) error {
	if strings.HasPrefix(word, "?") {
		param, err := parseParam(word)
		op.Query = append(op.Query, param)
		return err
	}
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "op":
		op.ID = value
	case "in":
		op.In = Shape(value)
	case "out":
		op.Out = Shape(value)
	case "sends":
		for _, text := range strings.Split(value, ",") {
			status, err := strconv.Atoi(text)
			if err != nil || !Refuses(status) && (status < 200 || status > 399) {
				return fmt.Errorf("%q is no status of success, and neither 501 nor 503", text)
			}
			op.Sends = append(op.Sends, status)
		}
	default:
		return fmt.Errorf("%q says nothing", word)
	}
	return nil
}

func parseParam(word string) (Param, error) {
	m := paramForm.FindStringSubmatch(word)
	if m == nil {
		return Param{}, fmt.Errorf("%q is no parameter", word)
	}
	p := Param{Name: m[1], Type: m[2], Required: m[3] != "", Default: m[4], Min: m[5], Max: m[6]}
	switch {
	case p.Type == "":
		p.Type = "string"
	case strings.Contains(p.Type, "|"):
		p.Enum, p.Type = strings.Split(p.Type, "|"), "string"
	case !slices.Contains([]string{"string", "integer", "number", "boolean", "uuid", "Include", "list:string", "list:uuid"}, p.Type):
		return p, fmt.Errorf("%q has a type that is not known", word)
	}
	return p, nil
}
