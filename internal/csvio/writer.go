package csvio

import (
	"io"
	"strings"
	"unicode/utf8"
)

// lineEnd ends a record (RFC 4180).
const lineEnd = "\r\n"

// writer writes records.
type writer struct {
	to   io.Writer
	line strings.Builder
}

// record writes one record whose cells a spreadsheet will not take for formulas.
func (w *writer) record(cells ...string) error {
	w.line.Reset()
	for i, cell := range cells {
		if i > 0 {
			w.line.WriteByte(',')
		}
		writeCell(&w.line, guard(cell))
	}
	w.line.WriteString(lineEnd)
	_, err := io.WriteString(w.to, w.line.String())
	return err
}

func writeCell(b *strings.Builder, cell string) {
	if !strings.ContainsAny(cell, "\",\r\n") && cell == strings.TrimSpace(cell) && !strings.HasPrefix(cell, byteOrderMark) {
		b.WriteString(cell)
		return
	}
	b.WriteString(quote(cell))
}

// quote puts a text in quotes and doubles those inside.
func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// Records writes records as exports do, for what is no part of a sheet.
func Records(to io.Writer, records [][]string) error {
	w := writer{to: to}
	for _, record := range records {
		if err := w.record(record...); err != nil {
			return err
		}
	}
	return nil
}

// What spreadsheets take for the beginning of a formula, the wide forms of Asian
// keyboards included, and what some of them skip before it.
const (
	formulaMarks = "=+-@\t\r\n＝＋－＠"
	skippedMarks = "' \u00a0\u3000\u200b" + byteOrderMark
)

// guarded tells whether a cell is one that guard marks: it would be read as a
// formula, or as a marked cell.
func guarded(cell string) bool {
	bare := strings.TrimLeft(cell, skippedMarks)
	first, size := utf8.DecodeRuneInString(bare)
	return size > 0 && strings.ContainsRune(formulaMarks, first)
}

// guard marks a cell that a spreadsheet would run as a formula.
func guard(cell string) string {
	if guarded(cell) {
		return "'" + cell
	}
	return cell
}

// unguard takes the mark away again.
func unguard(cell string) string {
	if strings.HasPrefix(cell, "'") && guarded(cell) {
		return cell[1:]
	}
	return cell
}
