// Package ostest runs an OpenSearch node on loopback for tests. tools/setup.sh opensearch puts the node's jars into
// .cache/opensearch; Java is on the PATH.
//
// The package imports nothing of ours.
package ostest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
)

// Server is a node. It ends with Stop, and with the process that started it.
type Server struct {
	Address string // http://127.0.0.1:port
	home    string
	port    string
	cmd     *exec.Cmd
	input   io.Closer
	log     *tail
	ended   chan struct{}
}

// jars is the folder with the node: CATALPA_OPENSEARCH, or .cache/opensearch of the repository.
func jars() (string, error) {
	folder := os.Getenv("CATALPA_OPENSEARCH")
	if folder == "" {
		at, err := os.Getwd()
		if err != nil {
			return "", err
		}
		for ; at != filepath.Dir(at); at = filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				folder = filepath.Join(at, ".cache", "opensearch")
				break
			}
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "Server.class")); err != nil {
		return "", fmt.Errorf("no OpenSearch in %q; tools/setup.sh opensearch puts it there, CATALPA_OPENSEARCH names another folder", folder)
	}
	return folder, nil
}

// New chooses the address of a node that will have its data in a folder.
func New(home string) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err = errors.Join(err, listener.Close()); err != nil {
		return nil, err
	}
	return &Server{Address: "http://127.0.0.1:" + port, home: home, port: port}, nil
}

// Start starts the node, again if it was stopped or killed, and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	folder, err := jars()
	if err != nil {
		return err
	}
	s.log = &tail{}
	s.cmd = exec.Command("java", "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Djava.awt.headless=true", "-Dlog4j2.disable.jmx=true", "-Dlog4j2.level=WARN", "-cp", filepath.Join(folder, "*")+string(os.PathListSeparator)+folder,
		"Server", s.home, s.port)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("java cannot be run: %w", err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // why it ended is in its log
		close(ended)
	}(s.cmd, s.ended)
	if err := s.wait(ctx); err != nil {
		s.Kill()
		return fmt.Errorf("OpenSearch does not start: %w\n%s", err, s.log)
	}
	return nil
}

// wait returns when the node has found its data.
func (s *Server) wait(ctx context.Context) error {
	cluster, err := opensearch.NewClient(opensearch.Config{Addresses: []string{s.Address}, DisableRetry: true})
	if err != nil {
		return err
	}
	defer cluster.Close()
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return errors.New("it ended")
		case <-tick.C:
		}
		if healthy(ctx, cluster) {
			return nil
		}
	}
}

// healthy asks the node once, which answers when it has found its data.
func healthy(ctx context.Context, cluster *opensearch.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=50s", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := cluster.Stream(req)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Stop ends the node in order, if it runs.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.input.Close() // the node ends by it
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.Kill()
	}
}

// Kill ends the node at once, as a crash does.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.ended
}

// tail keeps the end of a log.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len() > 1<<20 {
		t.text.Reset()
	}
	return t.text.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(t.text.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
