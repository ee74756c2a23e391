//go:build acceptance

package acceptance

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kafkaJars is the folder with the broker.
func kafkaJars(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CATALPA_KAFKA")
	if path == "" {
		path = "../.cache/kafka"
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(path, "kafka_*.jar")); len(found) == 0 {
		t.Fatalf("no Kafka in %s; make test-acceptance puts it there, CATALPA_KAFKA names another folder", path)
	}
	return path
}

// startKafka starts a broker of our own that is its own controller, and returns
// its address. It ends with the test, or with us.
func startKafka(t *testing.T) string {
	t.Helper()
	dir, broker, controller := t.TempDir(), freeAddress(t), freeAddress(t)
	settings := filepath.Join(dir, "server.properties")
	var text strings.Builder
	for _, line := range []string{
		"process.roles=broker,controller", "node.id=1", "controller.listener.names=CONTROLLER",
		"controller.quorum.bootstrap.servers=" + controller,
		"listeners=PLAINTEXT://" + broker + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + broker + ",CONTROLLER://" + controller,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(dir, "log"), "log.cleaner.dedupe.buffer.size=4194304",
		"num.network.threads=1", "num.io.threads=2", "background.threads=2",
		"offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1",
	} {
		fmt.Fprintln(&text, line)
	}
	if err := os.WriteFile(settings, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	java := func(arguments ...string) *exec.Cmd {
		return exec.Command("java", append([]string{
			"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xms64m", "-Xmx256m", "-Djava.awt.headless=true",
			"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(kafkaJars(t), "*"),
		}, arguments...)...)
	}
	if out, err := java("kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", "Y2F0YWxwYS1hY2NlcHRhbg", "--config", settings).CombinedOutput(); err != nil {
		t.Fatalf("format Kafka's log: %v\n%s", err, out)
	}
	server := java("kafka.Kafka", settings)
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		server.Process.Kill() //nolint:errcheck // it may have ended by itself, which the test has noticed
		<-ended               //nolint:errcheck // it was killed
		if t.Failed() {
			t.Logf("end of Kafka's log:\n%s", tail(log.String(), 20))
		}
	})
	eventually(t, time.Minute, "Kafka answers", func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("Kafka ended at once: %v\n%s", err, tail(log.String(), 40))
		default:
		}
		connection, err := net.Dial("tcp", broker)
		if err != nil {
			return err
		}
		return connection.Close()
	})
	return broker
}

// schemas is a schema registry with a schema of each kind.
func schemas() map[string]any {
	type object = map[string]any
	schema := func(id int, subject, kind, text string) object {
		return object{"subject": subject, "version": 1, "id": id, "schemaType": kind, "schema": text}
	}
	return object{
		"GET /subjects": []string{"shop.orders-value", "customers-value", "clicks-value"},
		"GET /subjects/shop.orders-value/versions/latest": schema(1, "shop.orders-value", "AVRO",
			`{"type": "record", "name": "Order", "doc": "One order", "fields": [{"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "doc": "As written"},`+
				`{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [{"name": "product", "type": "string"}]}}}]}`),
		"GET /subjects/customers-value/versions/latest": schema(2, "customers-value", "JSON",
			`{"title": "Customer", "type": "object", "properties": {"name": {"type": "string", "description": "As it stands on the parcel"}, "age": {"type": "integer"}}}`),
		"GET /subjects/clicks-value/versions/latest": schema(3, "clicks-value", "PROTOBUF",
			"syntax = \"proto3\";\nmessage Clicks {\n  string page = 1;\n  int64 at = 2;\n}\n"),
		"GET /subjects/plain-value/versions/latest": raw{http.StatusNotFound, "application/json", []byte(`{"error_code": 40401, "message": "Subject 'plain-value' not found."}`)},
	}
}

// TestKafka ingests the topics of a broker with their settings and schemas.
func TestKafka(t *testing.T) {
	t.Parallel()
	broker := startKafka(t)
	c := startCatalpa(t)
	bot := c.asBot()
	c.script(t, "kafka_topics.py", broker)
	registry := startFake(t, schemas())
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "kafka.yaml", map[string]any{"Broker": broker, "Registry": registry.url})
	}

	c.assertKnown(t, ingest(), "broker", "topics", "service", "clicks", "customers", "plain", `"shop.orders"`)
	type field struct {
		Name, DataType, Description string
		Children                    []field
	}
	type topic struct {
		Partitions, ReplicationFactor int
		RetentionTime                 float64
		MaximumMessageSize            int
		CleanupPolicies               []string
		TopicConfig                   map[string]any
		MessageSchema                 struct {
			SchemaType, SchemaText string
			SchemaFields           []field
		}
	}
	read := func(fqn string) (found topic) {
		t.Helper()
		bot.get("/topics/name/"+fqn+"?fields=*", &found)
		return found
	}
	orders := read("broker.%22shop.orders%22")
	if orders.Partitions != 3 || orders.ReplicationFactor != 1 || orders.RetentionTime != 86400000 || len(orders.CleanupPolicies) != 2 || orders.TopicConfig["retention.ms"] != "86400000" {
		t.Errorf("the topic became %+v", orders)
	}
	want := []field{{Name: "Order", DataType: "RECORD", Description: "One order", Children: []field{
		{Name: "id", DataType: "LONG"}, {Name: "note", DataType: "UNION", Description: "As written"},
		{Name: "lines", DataType: "ARRAY", Children: []field{{Name: "Line", DataType: "RECORD", Children: []field{{Name: "product", DataType: "STRING"}}}}},
	}}}
	if diff := cmp.Diff(want, orders.MessageSchema.SchemaFields); diff != "" || orders.MessageSchema.SchemaType != "Avro" {
		t.Errorf("the Avro schema became a %s of (-want +got):\n%s", orders.MessageSchema.SchemaType, diff)
	}
	for fqn, want := range map[string]struct {
		kind   string
		fields int
	}{"broker.customers": {"JSON", 2}, "broker.clicks": {"Protobuf", 2}} {
		got := read(fqn).MessageSchema
		if got.SchemaType != want.kind || len(got.SchemaFields) != 1 || len(got.SchemaFields[0].Children) != want.fields {
			t.Errorf("the schema of %s became %+v", fqn, got)
		}
	}
	if plain := read("broker.plain"); plain.MessageSchema.SchemaType != "Other" || len(plain.MessageSchema.SchemaFields) != 0 {
		t.Errorf("the topic without a schema became %+v", plain)
	}

	// Nothing new but what people wrote; then a topic goes away.
	kept := c.curate(t, "topics", `broker."shop.orders"`)
	before := bot.state("broker", "topics")
	ingest()
	if got := changed(before, bot.state("broker", "topics")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}
	c.script(t, "kafka_topics.py", broker, "clicks")
	ingest()
	if got := bot.entity("topics", "broker.clicks"); !got.Deleted {
		t.Errorf("the topic that went away became %+v", got)
	}
	kept()
}
