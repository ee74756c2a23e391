package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	attackRate  = 1_000           // guesses a second
	maxOwner    = 2 * time.Second // p99 of the owner's sign-in meanwhile
	maxAttacked = 400             // MiB then
)

// attack guesses passwords of all names from many addresses, as fast as it should,
// while the owner signs in where that has happened before.
func (o *signOn) attack(ctx context.Context) error {
	attacking, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	c := newClient(o.server.url, "")
	ticker := time.NewTicker(time.Second / attackRate)
	defer ticker.Stop()
	group.Go(func() {
		for n := 0; attacking.Err() == nil; n++ {
			select {
			case <-ticker.C:
			case <-attacking.Done():
				return
			}
			group.Go(func() {
				guess := *c
				guess.forwarded = fmt.Sprintf("203.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
				status, _, _ := guess.send(attacking, http.MethodPost, "/api/v1/users/login", jsonType, loginBody(fmt.Sprintf("p%05d", rand.IntN(people)), "Wrong-Guess-77"))
				mu.Lock()
				defer mu.Unlock()
				answers[status]++
			})
		}
	})
	most, logged := 0.0, o.log.count()
	r, err := load{name: "owner's sign-in, attacked", server: o.server, clients: 1, period: 3 * o.s.period, op: func(ctx context.Context, _ int) error {
		_, err := o.signIn(ctx, "192.0.2.1")
		most = max(most, o.server.memory())
		return err
	}}.measure(ctx)
	stop()
	group.Wait()
	if err != nil {
		return err
	}
	fmt.Println(r)
	total := 0
	for status, n := range answers {
		if status != 0 { // cut off at the end
			total += n
		}
	}
	fmt.Printf("%-28s %.0f/s answered: %d with 401, %d with 503\n", "guesses", float64(total)/r.took.Seconds(), answers[http.StatusUnauthorized], answers[http.StatusServiceUnavailable])
	fmt.Printf("%-28s %.0f lines/s\n", "log under attack", float64(o.log.count()-logged)/r.took.Seconds())
	o.latency("L05 owner under attack", r.p99, maxOwner, fmt.Sprintf("of %d sign-ins", r.ops))
	o.goal("L05 memory under attack", most <= maxAttacked, "%.0f MiB, goal %d", most, maxAttacked)
	return nil
}
