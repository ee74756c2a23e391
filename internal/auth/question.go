package auth

import (
	"strconv"
	"time"
)

// questionPlace binds the questions of the doctor to their purpose.
const questionPlace = "doctor/arrival"

// questionLife is enough for an answer.
const questionLife = time.Minute

// Question makes what tells a server on the same data directory that its own doctor
// asks how requests arrive. It lets nobody in and opens nothing else.
func (s *Service) Question() (string, error) {
	return s.sealer.Seal(strconv.FormatInt(s.clock().Add(questionLife).UnixMilli(), 10), questionPlace)
}

// Asked tells whether a text is such a question, of the last minute.
func (s *Service) Asked(question string) bool {
	if len(question) > 200 {
		return false
	}
	text, err := s.sealer.Open(question, questionPlace)
	if err != nil {
		return false
	}
	until, err := strconv.ParseInt(text, 10, 64)
	return err == nil && s.clock().UnixMilli() < until
}
