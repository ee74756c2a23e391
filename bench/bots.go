package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// maxRevocation bounds the CPU of looking whether a token still counts: what a call
// of one bot of many costs more than one of a bot that is alone.
const maxRevocation = 200 * time.Microsecond

// revocation compares calls of one bot with calls of all in turn: what differs is how
// often the server looks whether a token still counts.
func (o *signOn) revocation(ctx context.Context) error {
	c := newClient(o.server.url, "")
	call := func(name string, some func() string) load {
		return load{name: name, server: o.server, clients: 8, period: 2 * o.s.period, op: func(ctx context.Context, _ int) error {
			_, err := c.as(ctx, some(), http.MethodGet, "/api/v1/users/loggedInUser")
			return err
		}}
	}
	r, err := inTurns(ctx, 10,
		call("calls of one bot", func() string { return o.tokens[0] }),
		call("calls of 1,000 bots", func() string { return o.tokens[rand.IntN(bots)] }))
	if err != nil {
		return err
	}
	added := r[1].perOp() - r[0].perOp()
	o.goal("L04 revocation check", added <= maxRevocation, "%.3f ms of CPU a call more with %d bots than with one, goal %v", added.Seconds()*1000, bots, maxRevocation)
	return nil
}
