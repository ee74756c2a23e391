// Package mail tells people things by mail: it words what auth has to say and sends
// it by SMTP. Letters are fixed texts with a fixed set of variables; whatever a
// variable holds is text and never looked into. Links begin with the configured
// address of the server, never with one that came with a request.
//
// It may import auth and entity.
package mail
