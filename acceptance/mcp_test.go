//go:build acceptance

package acceptance

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mcpSession speaks JSON-RPC with an MCP server over its standard streams.
type mcpSession struct {
	t       *testing.T
	in      io.Writer
	answers chan map[string]json.RawMessage
	next    int
}

func startMCP(t *testing.T, c *catalpa, token string) *mcpSession {
	t.Helper()
	cmd := exec.Command(filepath.Join(filepath.Dir(python(t)), "mcp-server-openmetadata"))
	cmd.Dir = c.work
	cmd.Env = append(os.Environ(), "OPENMETADATA_HOST="+c.rec.url, "OPENMETADATA_JWT_TOKEN="+token, "NO_PROXY=127.0.0.1,localhost")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log strings.Builder
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &mcpSession{t: t, in: in, answers: make(chan map[string]json.RawMessage, 16)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(s.answers)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var answer map[string]json.RawMessage
			if json.Unmarshal(lines.Bytes(), &answer) == nil && answer["id"] != nil {
				s.answers <- answer
			}
		}
	}()
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill() //nolint:errcheck // it may have ended with its input
		<-read
		cmd.Wait() //nolint:errcheck // it was killed
		if t.Failed() {
			t.Logf("the MCP server's log:\n%s", tail(log.String(), 30))
		}
	})
	s.call("initialize", map[string]any{
		"protocolVersion": "2024-11-05", "capabilities": map[string]any{},
		"clientInfo": map[string]string{"name": "catalpa-acceptance", "version": "1"},
	})
	s.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	return s
}

func (s *mcpSession) send(message map[string]any) {
	s.t.Helper()
	if err := json.NewEncoder(s.in).Encode(message); err != nil {
		s.t.Fatal(err)
	}
}

func (s *mcpSession) call(method string, parameters any) json.RawMessage {
	s.t.Helper()
	s.next++
	s.send(map[string]any{"jsonrpc": "2.0", "id": s.next, "method": method, "params": parameters})
	select {
	case answer, open := <-s.answers:
		if !open {
			s.t.Fatalf("%s: the MCP server ended", method)
		}
		if answer["error"] != nil {
			s.t.Fatalf("%s: %s", method, answer["error"])
		}
		return answer["result"]
	case <-time.After(time.Minute):
		s.t.Fatalf("%s: no answer within a minute", method)
		return nil
	}
}

// TestMCP calls tools of the MCP server that people put before the catalog.
func TestMCP(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	for _, create := range []struct {
		path string
		body map[string]any
	}{
		{"/services/databaseServices", map[string]any{"name": "mcp", "serviceType": "Postgres"}},
		{"/databases", map[string]any{"name": "shop", "service": "mcp"}},
		{"/databaseSchemas", map[string]any{"name": "sales", "database": "mcp.shop"}},
		{"/tables", map[string]any{"name": "orders", "databaseSchema": "mcp.shop.sales", "columns": []map[string]any{{"name": "id", "dataType": "INT"}}}},
		{"/tables", map[string]any{"name": "totals", "databaseSchema": "mcp.shop.sales", "columns": []map[string]any{{"name": "id", "dataType": "INT"}}}},
		{"/glossaries", map[string]any{"name": "mcp_words", "description": "Words"}},
	} {
		bot.send(http.MethodPost, create.path, create.body, nil, http.StatusCreated)
	}
	from, to := bot.entity("tables", "mcp.shop.sales.orders"), bot.entity("tables", "mcp.shop.sales.totals")
	bot.send(http.MethodPut, "/lineage", map[string]any{"edge": map[string]any{
		"fromEntity": map[string]string{"id": from.ID, "type": "table"},
		"toEntity":   map[string]string{"id": to.ID, "type": "table"},
	}}, nil, http.StatusOK)

	session := startMCP(t, c, c.bot)
	var tools struct {
		Tools []struct {
			Name string `json:"name"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(session.call("tools/list", map[string]any{}), &tools); err != nil || len(tools.Tools) < 100 {
		t.Fatalf("%d tools, %v", len(tools.Tools), err)
	}
	for _, tt := range []struct {
		tool      string
		arguments map[string]any
		want      string
	}{
		{"list_tables", map[string]any{"limit": 5}, "mcp.shop.sales.orders"},
		{"get_table_by_name", map[string]any{"fqn": "mcp.shop.sales.orders"}, from.ID},
		{"search_entities", map[string]any{"q": "orders", "index": "table_search_index"}, from.ID},
		{"get_lineage_by_name", map[string]any{"entity_fqn": "mcp.shop.sales.orders", "entity_type": "table"}, to.ID},
		{"list_users", map[string]any{"limit": 50}, "admin"},
		{"list_glossaries", map[string]any{}, "mcp_words"},
		{"list_test_cases", map[string]any{}, "paging"},
		{"list_events", map[string]any{"limit": 5}, "data"},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			var result struct {
				IsError bool `json:"isError"`
				Content []struct {
					Text string `json:"text"`
				} `json:"content"`
			}
			raw := session.call("tools/call", map[string]any{"name": tt.tool, "arguments": tt.arguments})
			if err := json.Unmarshal(raw, &result); err != nil {
				t.Fatal(err)
			}
			if result.IsError || len(result.Content) == 0 || !strings.Contains(result.Content[0].Text, tt.want) {
				t.Errorf("the answer lacks %q: %s", tt.want, clip(raw))
			}
		})
	}
}
