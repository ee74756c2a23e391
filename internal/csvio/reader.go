package csvio

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Limits of one file.
const (
	maxRows   = 100_000
	maxRecord = 4 << 20   // bytes of one record
	maxCells  = 200       // of one record
	maxFile   = 2_000_000 // cells of all records
)

// byteOrderMark is what spreadsheets put before UTF-8 text.
const byteOrderMark = "\uFEFF"

// parse reads records as RFC 4180 has them. Lines end in LF or CRLF, empty ones
// are skipped, and line ends inside quotes are kept as they are. The error is a
// KindBadRequest that says in which record the fault lies.
func parse(data []byte) ([][]string, error) {
	if !utf8.Valid(data) {
		return nil, entity.BadRequest("the file is not valid UTF-8")
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, entity.BadRequest("the file holds a NUL character")
	}
	r := recordReader{rest: strings.TrimPrefix(string(data), byteOrderMark)}
	var records [][]string
	cells := 0
	for r.skipEmpty(); r.rest != ""; r.skipEmpty() {
		if len(records) > maxRows {
			return nil, entity.BadRequest("the file has more than %d rows", maxRows)
		}
		record, err := r.record()
		if err != nil {
			return nil, entity.BadRequest("record %d: %s", len(records)+1, err.Error())
		}
		if cells += len(record); cells > maxFile {
			return nil, entity.BadRequest("the file has more than %d cells", maxFile)
		}
		r.width = len(record)
		records = append(records, record)
	}
	return records, nil
}

// ReadRecords reads what Records writes, for what is no part of a sheet.
func ReadRecords(data []byte) ([][]string, error) {
	records, err := parse(data)
	for _, record := range records {
		for i, cell := range record {
			record[i] = unguard(cell)
		}
	}
	return records, err
}

// recordReader takes records from the front of a text.
type recordReader struct {
	rest  string
	width int // cells of the record before
}

func (r *recordReader) skipEmpty() { r.rest = strings.TrimLeft(r.rest, "\r\n") }

func (r *recordReader) record() ([]string, error) {
	whole := len(r.rest)
	cells := make([]string, 0, r.width)
	for {
		cell, err := r.cell()
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell)
		switch {
		case len(cells) > maxCells:
			return nil, entity.BadRequest("more than %d cells", maxCells)
		case whole-len(r.rest) > maxRecord:
			return nil, entity.BadRequest("longer than %d bytes", maxRecord)
		case strings.HasPrefix(r.rest, ","):
			r.rest = r.rest[1:]
			continue
		}
		return cells, nil
	}
}

// cell takes one cell and leaves the separator behind it.
func (r *recordReader) cell() (string, error) {
	if !strings.HasPrefix(r.rest, `"`) {
		end := strings.IndexAny(r.rest, ",\r\n")
		if end < 0 {
			end = len(r.rest)
		}
		text := r.rest[:end] // a quote further in is a character like others
		r.rest = r.rest[end:]
		return text, nil
	}
	text, rest, ok := quotedText(r.rest)
	if !ok {
		return "", entity.BadRequest("a quote is never closed")
	}
	if rest != "" && rest[0] != ',' && rest[0] != '\r' && rest[0] != '\n' {
		return "", entity.BadRequest("text follows a closing quote; double a quote inside a cell")
	}
	r.rest = rest
	return text, nil
}

// quotedText reads a text in quotes, in which a doubled quote stands for one, and
// returns what follows it.
func quotedText(text string) (inside, rest string, ok bool) {
	var b strings.Builder
	text = text[1:]
	for {
		end := strings.IndexByte(text, '"')
		if end < 0 {
			return "", "", false
		}
		b.WriteString(text[:end])
		text = text[end+1:]
		if !strings.HasPrefix(text, `"`) {
			return b.String(), text, true
		}
		b.WriteByte('"')
		text = text[1:]
	}
}
