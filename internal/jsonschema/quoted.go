package jsonschema

// span is where a value stands in a document.
type span struct{ from, to int64 }

// quotedNumber checks a string where only a number may stand.
func (c *checker) quotedNumber(n *node) error {
	raw, err := c.dec.ReadValue()
	if err != nil {
		return err
	}
	text := raw[1 : len(raw)-1]
	if len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') || !text.IsValid() {
		c.report.note("must be %s", describe(n.kinds))
		return nil
	}
	c.numberRule(n, text)
	end := c.dec.InputOffset()
	c.quoted = append(c.quoted, span{end - int64(len(raw)), end})
	return nil
}

// unquoteNumbers copies a document without the quotes of the values at the spans,
// which are in order.
func unquoteNumbers(doc []byte, quoted []span) []byte {
	out := make([]byte, 0, len(doc))
	copied := int64(0)
	for _, at := range quoted {
		out = append(out, doc[copied:at.from]...)
		out = append(out, doc[at.from+1:at.to-1]...)
		copied = at.to
	}
	return append(out, doc[copied:]...)
}
