package jsonschema

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Limits of a document, whatever its schema says.
const (
	MaxDepth  = 64        // levels of nested arrays and objects
	MaxValues = 2_000_000 // values of arrays and members of objects
)

// Validate checks a document. The error is a KindBadRequest whose message lists
// all problems; it is a KindInternal if there is no such schema.
func (s *Set) Validate(schema string, doc []byte) error {
	n, err := s.lookup(schema)
	if err != nil {
		return err
	}
	_, err = s.check(slot{node: n}, doc, nil, false)
	return err
}

// Admit is Validate for what clients send, and returns it as it is to be read: some
// write numbers as text, so where only a number may stand, its text counts as one.
func (s *Set) Admit(schema string, doc []byte) ([]byte, error) {
	n, err := s.lookup(schema)
	if err != nil {
		return nil, err
	}
	quoted, err := s.check(slot{node: n}, doc, nil, true)
	if err != nil || len(quoted) == 0 {
		return doc, err
	}
	return unquoteNumbers(doc, quoted), nil
}

// ValidateConnection checks connection.config of a service. category is the
// entity type, such as "databaseService". Service types without settings of
// their own take any object.
func (s *Set) ValidateConnection(category, serviceType string, config []byte) error {
	schema, err := s.ConnectionSchema(category, serviceType)
	if err != nil {
		return err
	}
	place := slot{node: &node{kinds: kindObject, obj: &objectRule{}}}
	if schema != "" {
		n, err := s.lookup(schema)
		if err != nil {
			return err
		}
		place.node = n
	}
	_, err = s.check(place, config, []step{{name: "connection"}, {name: "config"}}, false)
	return err
}

// ConnectionSchema returns the schema of connection.config for a service type,
// "" when it may be any object.
func (s *Set) ConnectionSchema(category, serviceType string) (string, error) {
	types, ok := s.connections[strings.TrimSuffix(category, "Service")]
	if !ok {
		return "", entity.BadRequest("%q is no category of services", entity.Shorten(category, 60))
	}
	schema, ok := types[serviceType]
	if !ok {
		return "", entity.BadRequest("%q is no service type of a %s", entity.Shorten(serviceType, 60), category)
	}
	return schema, nil
}

// errStop ends a check because of a limit; the problem has been noted.
var errStop = errors.New("limit reached")

// checker walks a document along its schema.
type checker struct {
	home    *Set
	dec     *jsontext.Decoder
	buf     bytes.Buffer
	scratch []byte
	report  report
	depth   int
	values  int
	nul     bool // the document may hold NUL characters: look at every string
	admit   bool // numbers written as text are taken, and noted in quoted
	quoted  []span
}

// checker takes one from the pool; release puts it back.
func (s *Set) checker() *checker {
	if c, ok := s.checkers.Get().(*checker); ok {
		return c
	}
	c := &checker{home: s}
	c.dec = jsontext.NewDecoder(&c.buf)
	return c
}

// check validates one whole document that stands at the path. With admit it
// returns where numbers are written as text.
func (s *Set) check(place slot, doc []byte, at []step, admit bool) ([]span, error) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, entity.BadRequest("The request has no body")
	}
	c := s.checker()
	defer c.release()
	c.start(doc, at, 0)
	c.admit = admit
	c.nul = bytes.Contains(doc, []byte(`\u0000`))
	err := c.value(place)
	if err == nil {
		if _, err = c.dec.ReadToken(); err == nil {
			return nil, entity.BadRequest("The body goes on after the end of the JSON document")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil && !errors.Is(err, errStop) {
		return nil, syntaxError(err)
	}
	return c.quoted, c.report.err()
}

func (c *checker) start(doc []byte, at []step, depth int) {
	c.buf = *bytes.NewBuffer(doc)
	c.dec.Reset(&c.buf)
	c.report.path = append(c.report.path[:0], at...)
	c.depth = depth
}

// release forgets the document so that the pool does not keep it alive.
func (c *checker) release() {
	c.buf = bytes.Buffer{}
	c.dec.Reset(&c.buf)
	c.report = report{path: c.report.path[:0]}
	c.values, c.nul, c.admit, c.quoted = 0, false, false, nil
	c.home.checkers.Put(c)
}

// value checks the next value. An error means that the document cannot be read
// any further; everything else is noted in the report.
func (c *checker) value(place slot) error {
	if c.values++; c.values > MaxValues {
		c.report.note("has more than %d values", MaxValues)
		return errStop
	}
	kind := c.dec.PeekKind()
	switch {
	case place.anything():
		return c.skip()
	case kind == 'n':
		if !place.null {
			c.report.note("must not be null")
		}
		return c.skip()
	case place.node.anyOf != nil:
		return c.union(place.node.anyOf)
	case place.node.kinds&kindsOf(kind) == 0:
		if c.admit && kind == '"' && place.node.kinds&(kindNumber|kindInteger) != 0 {
			return c.quotedNumber(place.node)
		}
		if kind != 0 {
			c.report.note("must be %s", describe(place.node.kinds))
		}
		return c.skip()
	}
	switch kind {
	case '{':
		return c.object(place.node.obj)
	case '[':
		return c.list(place.node.list)
	case '"':
		return c.text(place.node.text)
	case '0':
		return c.number(place.node)
	}
	return c.skip()
}

// kindsOf returns the kinds of schema that a JSON value of the kind may match.
func kindsOf(kind jsontext.Kind) kinds {
	switch kind {
	case '{':
		return kindObject
	case '[':
		return kindArray
	case '"':
		return kindString
	case '0':
		return kindNumber | kindInteger
	case 't', 'f':
		return kindBoolean
	}
	return 0
}

// skip reads a value of any shape, enforcing only the limits of documents.
func (c *checker) skip() error {
	raw, err := c.dec.ReadValue()
	if err != nil {
		return err
	}
	if kind := raw.Kind(); kind == '{' || kind == '[' {
		depth, values := measure(raw)
		if c.values += values; c.depth+depth > MaxDepth || c.values > MaxValues {
			c.report.note("is nested deeper than %d levels or has more than %d values", MaxDepth, MaxValues)
			return errStop
		}
	}
	if c.nul && holdsNUL(raw) {
		c.report.note("must not contain the character U+0000")
	}
	return nil
}

// measure returns how deep a well-formed value is nested, and about how many
// values it has.
func measure(raw []byte) (deepest, values int) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; {
		case quoted:
			if b == '\\' {
				i++
			} else if b == '"' {
				quoted = false
			}
		case b == '"':
			quoted = true
		case b == ',':
			values++
		case b == '{' || b == '[':
			depth++
			deepest = max(deepest, depth)
		case b == '}' || b == ']':
			depth--
		}
	}
	return deepest, values
}

// holdsNUL tells whether an escaped NUL stands in well-formed JSON; a backslash
// that is itself escaped does not begin an escape.
func holdsNUL(raw []byte) bool {
	for i := 0; i+5 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if string(raw[i+1:i+6]) == "u0000" {
			return true
		}
		i++
	}
	return false
}

// enter counts a level of nesting and reads the opening bracket.
func (c *checker) enter() error {
	if c.depth++; c.depth > MaxDepth {
		c.report.note("is nested deeper than %d levels", MaxDepth)
		return errStop
	}
	_, err := c.dec.ReadToken()
	return err
}

func (c *checker) object(rule *objectRule) error {
	if err := c.enter(); err != nil {
		return err
	}
	seen := uint64(0)
	for c.dec.PeekKind() != '}' {
		raw, err := c.dec.ReadValue()
		if err != nil {
			return err
		}
		m, name, err := c.memberOf(rule, raw)
		if err != nil {
			return err
		}
		c.report.path = append(c.report.path, step{name: name})
		place := slot{}
		switch {
		case m != nil:
			seen |= m.bit
			place = m.slot
		case rule.closed:
			c.report.unknown(rule)
		case rule.extra != nil:
			place = *rule.extra
		}
		if err := c.value(place); err != nil {
			return err
		}
		c.report.path = c.report.path[:len(c.report.path)-1]
	}
	if missing := rule.required &^ seen; missing != 0 {
		c.report.missing(rule, missing)
	}
	c.depth--
	_, err := c.dec.ReadToken()
	return err
}

// memberOf finds the member for a name as it stands in the document.
func (c *checker) memberOf(rule *objectRule, raw []byte) (*member, string, error) {
	text, err := c.unquote(raw)
	if err != nil {
		return nil, "", err
	}
	if m := rule.members[string(text)]; m != nil {
		return m, m.name, nil
	}
	if c.nul && bytes.IndexByte(text, 0) >= 0 {
		c.report.note("must not have member names with the character U+0000")
	}
	return nil, string(text), nil
}

// unquote returns the text of a JSON string; it is valid until the next read.
func (c *checker) unquote(raw []byte) ([]byte, error) {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var err error
	c.scratch, err = jsontext.AppendUnquote(c.scratch[:0], raw)
	return c.scratch, err
}

func (c *checker) list(rule *listRule) error {
	if err := c.enter(); err != nil {
		return err
	}
	last := len(c.report.path)
	count := 0
	for ; c.dec.PeekKind() != ']'; count++ {
		c.report.path = append(c.report.path, step{index: count, item: true})
		if err := c.value(rule.items); err != nil {
			return err
		}
		c.report.path = c.report.path[:last]
	}
	if count < rule.min || rule.max >= 0 && count > rule.max {
		c.report.size(rule.min, rule.max)
	}
	c.depth--
	_, err := c.dec.ReadToken()
	return err
}

func (c *checker) text(rule *textRule) error {
	raw, err := c.dec.ReadValue()
	if err != nil || rule == nil && !c.nul {
		return err
	}
	text, err := c.unquote(raw)
	if err != nil {
		return err
	}
	if c.nul && bytes.IndexByte(text, 0) >= 0 {
		c.report.note("must not contain the character U+0000")
	}
	if rule != nil {
		c.textRule(rule, text)
	}
	return nil
}

func (c *checker) textRule(rule *textRule, text []byte) {
	if rule.enum != nil {
		if _, ok := rule.enum[string(text)]; !ok {
			c.report.enum(text, rule.values)
		}
		return
	}
	if !rule.fits(text) {
		c.report.size(rule.min, rule.max)
	}
	if rule.match != nil && !rule.match(text) {
		c.report.note("must match %q", verbatim(rule.pattern))
	}
	if rule.check != nil && !rule.check(text) {
		c.report.note("must be a well-formed %s", rule.format)
	}
}

// fits tells whether the number of characters is within the limits. Most texts
// are settled by their number of bytes.
func (r *textRule) fits(text []byte) bool {
	if r.max >= 0 && len(text) > r.max && utf8.RuneCount(text) > r.max || len(text) < r.min {
		return false
	}
	return r.min <= 1 || utf8.RuneCount(text) >= r.min
}

func (c *checker) number(n *node) error {
	raw, err := c.dec.ReadValue()
	if err != nil {
		return err
	}
	c.numberRule(n, raw)
	return nil
}

func (c *checker) numberRule(n *node, raw []byte) {
	whole := !bytes.ContainsAny(raw, ".eE")
	if n.kinds&kindNumber != 0 && n.num == nil || whole && len(raw) < 19 && n.num == nil {
		return
	}
	value, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		c.report.note("is out of range")
		return
	}
	if n.kinds&kindNumber == 0 && (value != math.Trunc(value) || math.Abs(value) >= 1<<63) {
		c.report.note("must be %s", describe(n.kinds))
	}
	if n.num != nil {
		c.limits(n.num, value)
	}
}

func (c *checker) limits(rule *numberRule, value float64) {
	if rule.min != nil && value < *rule.min {
		c.report.note("must be greater than or equal to %v", *rule.min)
	}
	if rule.max != nil && value > *rule.max {
		c.report.note("must be less than or equal to %v", *rule.max)
	}
	if rule.step != nil {
		// Multiples of 0.1 are not exact in binary, hence the tolerance.
		steps := value / *rule.step
		if math.Abs(steps-math.Round(steps)) > 1e-6 {
			c.report.note("must be a multiple of %v", *rule.step)
		}
	}
}

// union accepts what any alternative accepts; otherwise it reports what the
// alternative that fits best complains about.
func (c *checker) union(alternatives []slot) error {
	raw, err := c.dec.ReadValue()
	if err != nil {
		return err
	}
	var best *report
	kind := raw.Kind()
	for _, alternative := range alternatives {
		if alternative.node != nil && alternative.node.anyOf == nil && alternative.node.kinds != 0 &&
			alternative.node.kinds&kindsOf(kind) == 0 {
			continue
		}
		found, err := c.try(alternative, raw)
		if err != nil {
			return err
		}
		if found.total == 0 {
			return nil
		}
		if best == nil || found.total < best.total {
			best = found
		}
	}
	if best == nil {
		c.report.note("has none of the shapes allowed")
		return nil
	}
	c.report.add(best)
	return nil
}

// try checks a value that has been read already.
func (c *checker) try(place slot, raw []byte) (*report, error) {
	sub := c.home.checker()
	defer sub.release()
	sub.start(raw, c.report.path, c.depth)
	sub.nul, sub.values = c.nul, c.values
	if err := sub.value(place); err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	found := sub.report
	found.path = nil
	return &found, nil
}
