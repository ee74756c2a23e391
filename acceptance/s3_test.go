//go:build acceptance

package acceptance

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// objectStore plays the parts of S3 and CloudWatch that are read: what buckets
// there are, what lies in them and how much it is.
type objectStore struct {
	t       *testing.T
	buckets map[string]map[string]string // objects by bucket and key
}

func (s *objectStore) answers() map[string]any {
	answers := map[string]any{"POST /": answerer(s.cloudWatch)}
	listed := ""
	for bucket, objects := range s.buckets {
		listed += "<Bucket><Name>" + bucket + "</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
		answers["GET /"+bucket] = answerer(s.bucket)
		answers["HEAD /"+bucket] = raw{http.StatusOK, "application/xml", nil}
		for key := range objects {
			answers["HEAD /"+bucket+"/"+key] = answerer(s.object)
			answers["GET /"+bucket+"/"+key] = answerer(s.object)
			answers["GET /"+bucket+"/"+key+"?tagging"] = xmlAnswer(http.StatusOK, "<Tagging><TagSet><Tag><Key>Retention</Key><Value>Years</Value></Tag></TagSet></Tagging>")
		}
		if _, has := objects["openmetadata.json"]; !has {
			answers["GET /"+bucket+"/openmetadata.json"] = xmlAnswer(http.StatusNotFound, "<Error><Code>NoSuchKey</Code></Error>")
		}
	}
	answers["GET /"] = xmlAnswer(http.StatusOK, "<ListAllMyBucketsResult><Buckets>"+listed+"</Buckets></ListAllMyBucketsResult>")
	return answers
}

func xmlAnswer(status int, body string) raw {
	return raw{status, "application/xml", []byte(xml.Header + body)}
}

// bucket tells where a bucket is, or what lies below a prefix of it.
func (s *objectStore) bucket(r *http.Request, _ []byte) any {
	query, name := r.URL.Query(), strings.TrimPrefix(r.URL.Path, "/")
	if query.Has("location") {
		return xmlAnswer(http.StatusOK, "<LocationConstraint>eu-west-1</LocationConstraint>")
	}
	found := ""
	for key, content := range s.buckets[name] {
		if strings.HasPrefix(key, query.Get("prefix")) {
			found += fmt.Sprintf("<Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>e</ETag><StorageClass>STANDARD</StorageClass></Contents>", key, len(content))
		}
	}
	return xmlAnswer(http.StatusOK, "<ListBucketResult><Name>"+name+"</Name><IsTruncated>false</IsTruncated>"+found+"</ListBucketResult>")
}

// object gives an object, or the range of it that is asked for.
func (s *objectStore) object(r *http.Request, _ []byte) any {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	content := s.buckets[bucket][key]
	if asked, partial := strings.CutPrefix(r.Header.Get("Range"), "bytes="); partial {
		from, to, _ := strings.Cut(asked, "-")
		start, _ := strconv.Atoi(from)
		if end, err := strconv.Atoi(to); err == nil && end+1 < len(content) {
			content = content[:end+1]
		}
		return raw{http.StatusPartialContent, "binary/octet-stream", []byte(content[min(start, len(content)):])}
	}
	return raw{http.StatusOK, "binary/octet-stream", []byte(content)}
}

// cloudWatch says that every bucket has 42 of whatever is asked for.
func (s *objectStore) cloudWatch(r *http.Request, body []byte) any {
	if strings.Contains(string(body), "Action=ListMetrics") {
		return xmlAnswer(http.StatusOK, "<ListMetricsResponse><ListMetricsResult><Metrics/></ListMetricsResult></ListMetricsResponse>")
	}
	return xmlAnswer(http.StatusOK, "<GetMetricDataResponse><GetMetricDataResult><MetricDataResults><member><Id>total_nr_of_object_request</Id>"+
		"<StatusCode>Complete</StatusCode><Values><member>42</member></Values></member></MetricDataResults></GetMetricDataResult></GetMetricDataResponse>")
}

func shopBuckets() map[string]map[string]string {
	return map[string]map[string]string{
		"shop-lake": {
			"openmetadata.json": `{"entries": [
				{"dataPath": "orders", "structureFormat": "csv", "separator": ","},
				{"dataPath": "events", "structureFormat": "json", "isPartitioned": true, "partitionColumns": [{"name": "day", "dataType": "DATE"}]},
				{"dataPath": "pictures/logo.png"}]}`,
			"orders/2026.csv":              "id,note,amount\n1,Größe,2.5\n2,x,3\n",
			"events/day=2026-01-01/1.json": `{"kind": "click", "user": {"id": 7}}`,
			"pictures/logo.png":            "not really",
		},
		"shop-logs": {"a.log": "nothing to see"},
	}
}

// TestS3 ingests buckets, and from the manifest in one of them what lies in it:
// two kinds of structured files and one without a structure.
func TestS3(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	store := &objectStore{t: t, buckets: shopBuckets()}
	source := startFake(t, store.answers())
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "s3.yaml", map[string]any{"Source": source.url})
	}

	c.assertKnown(t, ingest(), "lake", "containers", "service",
		"shop-lake", "shop-lake.events", "shop-lake.orders", `shop-lake."pictures/logo.png"`, "shop-logs")
	type container struct {
		Prefix, FullPath      string
		NumberOfObjects, Size float64
		Parent                reference
		FileFormats           []string
		DataModel             struct {
			IsPartitioned bool
			Columns       []column
		}
	}
	read := func(fqn string) (found container) {
		t.Helper()
		bot.get("/containers/name/"+fqn+"?fields=*", &found)
		return found
	}
	if bucket := read("lake.shop-lake"); bucket.NumberOfObjects != 42 || bucket.Size != 42 || bucket.FullPath != "s3://shop-lake" {
		t.Errorf("the bucket became %+v", bucket)
	}
	types := func(of container) map[string]string {
		found := map[string]string{}
		for _, c := range of.DataModel.Columns {
			found[c.FullyQualifiedName] = c.DataType
		}
		return found
	}
	orders := read("lake.shop-lake.orders")
	if diff := cmp.Diff(map[string]string{
		"lake.shop-lake.orders.id": "INT", "lake.shop-lake.orders.note": "STRING", "lake.shop-lake.orders.amount": "FLOAT",
	}, types(orders)); diff != "" || orders.Parent.FullyQualifiedName != "lake.shop-lake" || !cmp.Equal(orders.FileFormats, []string{"csv"}) {
		t.Errorf("the CSV files became %+v\n%s", orders, diff)
	}
	events := read("lake.shop-lake.events")
	if diff := cmp.Diff(map[string]string{
		"lake.shop-lake.events.day": "DATE", "lake.shop-lake.events.kind": "STRING", "lake.shop-lake.events.user": "JSON",
	}, types(events)); diff != "" || !events.DataModel.IsPartitioned {
		t.Errorf("the JSON files became %+v\n%s", events, diff)
	}
	if logo := read("lake.shop-lake.%22pictures%2Flogo.png%22"); logo.Size != 10 || len(logo.DataModel.Columns) != 0 {
		t.Errorf("the picture became %+v", logo)
	}

	// Nothing new but what people wrote; then a bucket goes away.
	kept := c.curate(t, "containers", "lake.shop-lake.orders")
	before := bot.state("lake", "containers")
	ingest()
	if got := changed(before, bot.state("lake", "containers")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}
	delete(store.buckets, "shop-logs")
	source.set("GET /", store.answers()["GET /"])
	ingest()
	if got := bot.entity("containers", "lake.shop-logs"); !got.Deleted {
		t.Errorf("the bucket that went away became %+v", got)
	}
	kept()
}
