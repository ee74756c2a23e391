//go:build acceptance

package acceptance

import (
	"net/http"
	"testing"
)

// TestOpenLineage has a job tell of its run with the OpenLineage client for Python.
func TestOpenLineage(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	type body map[string]any
	bot.send(http.MethodPut, "/services/databaseServices", body{"name": "shop", "serviceType": "Mysql"}, nil, http.StatusCreated)
	bot.send(http.MethodPut, "/databases", body{"name": "default", "service": "shop"}, nil, http.StatusCreated)
	bot.send(http.MethodPut, "/databaseSchemas", body{"name": "sales", "database": "shop.default"}, nil, http.StatusCreated)
	tables := map[string]table{}
	for _, name := range []string{"orders", "totals"} {
		var made table
		bot.send(http.MethodPut, "/tables", body{
			"name": name, "databaseSchema": "shop.default.sales", "columns": []body{{"name": "amount", "dataType": "DECIMAL"}},
		}, &made, http.StatusCreated)
		tables[name] = made
	}
	c.admin().send(http.MethodPut, "/system/settings", body{
		"config_type": "openLineageSettings", "config_value": body{"enabled": true, "autoCreateEntities": true},
	}, nil, http.StatusOK)

	c.script(t, "openlineage_job.py")

	var lineage struct {
		DownstreamEdges []struct {
			ToEntity       string `json:"toEntity"`
			LineageDetails struct {
				Source   string    `json:"source"`
				SQLQuery string    `json:"sqlQuery"`
				Pipeline reference `json:"pipeline"`
				Columns  []struct {
					From []string `json:"fromColumns"`
					To   string   `json:"toColumn"`
				} `json:"columnsLineage"`
			} `json:"lineageDetails"`
		} `json:"downstreamEdges"`
	}
	bot.get("/lineage/table/name/shop.default.sales.orders?downstreamDepth=1", &lineage)
	if len(lineage.DownstreamEdges) != 1 || lineage.DownstreamEdges[0].ToEntity != tables["totals"].ID {
		t.Fatalf("the run left the edges %+v, want one to totals", lineage.DownstreamEdges)
	}
	details := lineage.DownstreamEdges[0].LineageDetails
	if details.Source != "OpenLineage" || details.SQLQuery != "insert into totals select sum(amount) from orders" || details.Pipeline.FullyQualifiedName != "openlineage.nightly-totals" {
		t.Errorf("the edge says %+v", details)
	}
	if len(details.Columns) != 1 || details.Columns[0].To != "shop.default.sales.totals.amount" || len(details.Columns[0].From) != 1 || details.Columns[0].From[0] != "shop.default.sales.orders.amount" {
		t.Errorf("the columns of the edge are %+v", details.Columns)
	}
}
