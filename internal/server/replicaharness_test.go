package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/config"
)

// replicaEnv makes the test binary a server: its value is a replicaOrder.
const replicaEnv = "CATALPA_TEST_REPLICA"

// replicaOrder says how a replica runs.
type replicaOrder struct {
	Data string            `json:"data"`
	Own  string            `json:"own"`
	Env  map[string]string `json:"env"`
}

func (o replicaOrder) config() (*config.Config, error) {
	cfg, _, err := config.Load(config.Options{
		LookupEnv: func(name string) (string, bool) { text, ok := o.Env[name]; return text, ok },
		Flags:     map[string]string{"dataDir": o.Data, "server.applicationConnectors[0].bindHost": "127.0.0.1", "server.applicationConnectors[0].port": "0"},
	})
	return cfg, err
}

func TestMain(m *testing.M) {
	if text := os.Getenv(replicaEnv); text != "" {
		if err := serveReplica(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// readyPrefix begins the line by which a replica tells its address.
const readyPrefix = "ready at "

// serveReplica is the process of a replica. It ends by SIGTERM, and with the test.
func serveReplica(text string) error {
	var order replicaOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return err
	}
	cfg, err := order.config()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the test's process, however that ends
		stop()
	}()
	return Run(ctx, cfg, Options{
		Replica: order.Own, Stdout: os.Stderr, Stderr: os.Stderr, Version: "test",
		Ready: func(address string) { fmt.Println(readyPrefix + address) },
	})
}

// replica is one server process.
type replica struct {
	order   replicaOrder
	address atomic.Pointer[string]
	cmd     *exec.Cmd
	stdin   io.Closer
	log     *output
}

// cluster are replicas on one data directory. As an http.RoundTripper it sends each
// request to the next of them, and to another one when a connection is refused.
type cluster struct {
	t        *testing.T
	dir      string
	replicas []*replica
	next     atomic.Uint64
	refused  atomic.Uint64 // connections
	wire     *http.Transport
}

// publicAddress is where browsers find a cluster.
const publicAddress = "http://localhost:8585"

// adminPassword is the first administrator's where people sign in by password.
const adminPassword = "First-Of-All-77-Days" //nolint:gosec // for tests

// startCluster starts three replicas with these settings; they must end well.
func startCluster(t *testing.T, env map[string]string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: filepath.Join(t.TempDir(), "data"), wire: &http.Transport{DisableKeepAlives: true}}
	all := map[string]string{
		"CATALPA_MODE": "development", "OIDC_SERVER_URL": publicAddress, "AUTHENTICATION_CALLBACK_URL": publicAddress + "/callback",
		"OIDC_CALLBACK": publicAddress + "/callback", "AUTHORIZER_ADMIN_PRINCIPALS": "[admin]", "AUTHORIZER_PRINCIPAL_DOMAIN": "example.com",
		"AUTHENTICATION_ENABLE_SELF_SIGNUP": "true", "LOG_LEVEL": "debug",
	}
	for name, text := range env {
		all[name] = text
	}
	for i := range 3 {
		r := &replica{order: replicaOrder{Data: c.dir, Own: filepath.Join(t.TempDir(), fmt.Sprint("replica", i)), Env: all}, log: new(output)}
		c.replicas = append(c.replicas, r)
		c.start(r)
	}
	t.Cleanup(func() {
		for _, r := range c.replicas {
			if err := r.end(syscall.SIGTERM); err != nil {
				t.Errorf("a replica ended with %v", err)
			}
			wantQuiet(t, r.log.String(), adminPassword)
			if t.Failed() {
				t.Logf("log of a replica:\n%s", r.log)
			}
		}
	})
	return c
}

// run is a subtest on the cluster.
func (c *cluster) run(name string, test func(t *testing.T)) {
	outer := c.t
	defer func() { c.t = outer }()
	outer.Run(name, func(t *testing.T) {
		c.t = t
		test(t)
	})
}

// start runs a replica, for the first time or again.
func (c *cluster) start(r *replica) {
	c.t.Helper()
	order, err := json.Marshal(r.order)
	if err != nil {
		c.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	r.cmd = exec.Command(self)
	r.cmd.Env = append(os.Environ(), replicaEnv+"="+string(order))
	r.cmd.Stderr = r.log
	out, err := r.cmd.StdoutPipe()
	if err == nil {
		r.stdin, err = r.cmd.StdinPipe()
	}
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), readyPrefix); ok {
			r.address.Store(&address)
			return
		}
	}
	c.t.Fatalf("a replica is not ready: %v\n%s", r.cmd.Wait(), r.log)
}

// end stops a replica, if it runs, and tells how it ended.
func (r *replica) end(how syscall.Signal) error {
	if r.cmd == nil {
		return nil
	}
	if err := r.cmd.Process.Signal(how); err != nil {
		return err
	}
	err := r.cmd.Wait()
	r.cmd = nil
	return errors.Join(err, ignoreClosed(r.stdin.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// kill ends a replica as a crash does.
func (c *cluster) kill(r *replica) {
	c.t.Helper()
	var exit *exec.ExitError
	if err := r.end(syscall.SIGKILL); !errors.As(err, &exit) || exit.Exited() {
		c.t.Fatalf("the replica ended by itself: %v", err)
	}
}

// restart stops a replica as an upgrade does and starts it again.
func (c *cluster) restart(r *replica) {
	c.t.Helper()
	if err := r.end(syscall.SIGTERM); err != nil {
		c.t.Errorf("a replica ended with %v\n%s", err, r.log)
	}
	c.start(r)
}

// RoundTrip sends a request to the next replica that takes connections.
func (c *cluster) RoundTrip(req *http.Request) (*http.Response, error) {
	var last error
	for range 2 * len(c.replicas) {
		r := c.replicas[int(c.next.Add(1))%len(c.replicas)]
		resp, err := c.send(r, req)
		if err == nil || !turnedAway(err) {
			return resp, err
		}
		c.refused.Add(1)
		last = err
	}
	return nil, last
}

// turnedAway tells whether a request was not taken: nobody listens any more, or the
// listener closed before the connection was accepted.
func turnedAway(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

// send sends a request to one replica.
func (c *cluster) send(r *replica, req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Host, out.URL.Host = req.URL.Host, *r.address.Load()
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	return c.wire.RoundTrip(out)
}

// only is a RoundTripper to one replica.
type only struct {
	cluster *cluster
	replica *replica
}

func (o only) RoundTrip(req *http.Request) (*http.Response, error) {
	return o.cluster.send(o.replica, req)
}

// browser is a client that keeps cookies and follows nothing.
func (c *cluster) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return &http.Client{Transport: c, Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// reply is an answer that was read.
type reply struct {
	status   int
	location string
	body     []byte
	code     string // of an error
}

// forwarded is a RoundTripper of a proxy that tells for whom it asks.
type forwarded struct {
	next http.RoundTripper
	from string
}

func (f forwarded) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Forwarded-For", f.from)
	return f.next.RoundTrip(req)
}

// ask sends a request below the public address, or to an absolute one. A body is sent
// as JSON.
func ask(ctx context.Context, client *http.Client, method, path, bearer string, body any) (reply, error) {
	var reader io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		reader = strings.NewReader(string(text))
	}
	if strings.HasPrefix(path, "/") {
		path = publicAddress + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, reader)
	if err != nil {
		return reply{}, err
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, location: resp.Header.Get("Location")}
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return r, err
	}
	if r.status >= http.StatusBadRequest {
		var failure struct {
			Code string `json:"errorCode"`
		}
		if err := json.Unmarshal(r.body, &failure); err == nil {
			r.code = failure.Code
		}
	}
	return r, nil
}

// want sends a request that must be answered with the status.
func (c *cluster) want(status int, client *http.Client, method, path, bearer string, body any) reply {
	c.t.Helper()
	r, err := ask(c.t.Context(), client, method, path, bearer, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if r.status != status {
		c.t.Fatalf("%s %s: status %d, want %d: %.300s", method, path, r.status, status, r.body)
	}
	return r
}

// read takes members out of an answer.
func (r reply) read(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("%.300s: %v", r.body, err)
	}
}

// tokens are what a sign-in gives.
type tokens struct {
	Access  string `json:"accessToken"`
	Refresh string `json:"refreshToken"`
}

const loggedIn = "/api/v1/users/loggedInUser"

// everywhere asks each replica who calls.
func (c *cluster) everywhere(bearer, name string) {
	c.t.Helper()
	for _, r := range c.replicas {
		var user struct {
			Name string `json:"name"`
		}
		c.want(http.StatusOK, &http.Client{Transport: only{c, r}}, http.MethodGet, loggedIn, bearer, nil).read(c.t, &user)
		if user.Name != name {
			c.t.Errorf("a replica knows the caller as %q, want %q", user.Name, name)
		}
	}
}

// until asks again and again until done. A question put later than within is the
// last one: how long its answer takes does not count.
func until(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	for asked := time.Now(); ; {
		last := time.Since(asked) > within
		if done() {
			return
		}
		if last {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// together runs clients side by side until stop is called, which returns what failed.
func together(n int, work func() error) (stop func() (calls int, failed []error)) {
	var mu sync.Mutex
	var group sync.WaitGroup
	var calls int
	var failed []error
	ended := make(chan struct{})
	for range n {
		group.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				err := work()
				mu.Lock()
				calls++
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, []error) {
		close(ended)
		group.Wait()
		return calls, failed
	}
}
