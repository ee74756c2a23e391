//go:build acceptance

package acceptance

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mlflow is an MLflow with one model in two versions, or more models.
func mlflow(names ...string) map[string]any {
	type object = map[string]any
	pair := func(key, value string) object { return object{"key": key, "value": value} }
	var models []object
	for _, name := range names {
		version := func(number, run string, at int64) object {
			return object{"name": name, "version": number, "run_id": run, "creation_timestamp": at, "last_updated_timestamp": at, "current_stage": "None", "source": "s3://models/" + name, "status": "READY"}
		}
		models = append(models, object{
			"name": name, "description": "Who is about to leave", "creation_timestamp": 1000, "last_updated_timestamp": 3000,
			"latest_versions": []object{version("1", "run1", 2000), version("2", "run2", 3000)},
		})
	}
	return object{
		"GET /version": raw{http.StatusOK, "text/plain", []byte("3.14.0")},
		"GET /api/2.0/mlflow/registered-models/search": object{"registered_models": models},
		"GET /api/2.0/mlflow/runs/get": object{"run": object{
			"info": object{"run_id": "run2", "run_uuid": "run2", "experiment_id": "0", "status": "FINISHED", "start_time": 1000, "artifact_uri": "s3://models/0/run2/artifacts", "lifecycle_stage": "active"},
			"data": object{
				"params": []object{pair("trees", "120"), pair("depth", "7")},
				"tags": []object{pair("mlflow.log-model.history",
					`[{"run_id": "run2", "signature": {"inputs": "[{'name': 'orders', 'type': 'long'}, {'name': 'country', 'type': 'string'}]"}}]`)},
			},
		}},
	}
}

// TestMLflow ingests registered models with the parameters and features of the run
// that made their newest version.
func TestMLflow(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	source := startFake(t, mlflow("churn", "fraud.v2"))
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "mlflow.yaml", map[string]any{"Source": source.url})
	}

	c.assertKnown(t, ingest(), "models", "mlmodels", "service", "churn", `"fraud.v2"`)
	var model struct {
		Algorithm         string
		MlFeatures        []struct{ Name, DataType, FullyQualifiedName string }
		MlHyperParameters []struct{ Name, Value string }
		MlStore           struct{ Storage string }
	}
	bot.get("/mlmodels/name/models.churn?fields=*", &model)
	features, parameters := map[string]string{}, map[string]string{}
	for _, f := range model.MlFeatures {
		features[f.FullyQualifiedName] = f.DataType
	}
	for _, p := range model.MlHyperParameters {
		parameters[p.Name] = p.Value
	}
	if diff := cmp.Diff(map[string]string{"models.churn.orders": "numerical", "models.churn.country": "categorical"}, features); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"trees": "120", "depth": "7"}, parameters); diff != "" || model.MlStore.Storage != "s3://models/0/run2/artifacts" {
		t.Errorf("the model became %+v\n%s", model, diff)
	}

	// Nothing new but what people wrote; then a model goes away.
	kept := c.curate(t, "mlmodels", "models.churn")
	before := bot.state("models", "mlmodels")
	ingest()
	if got := changed(before, bot.state("models", "mlmodels")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}
	source.set("GET /api/2.0/mlflow/registered-models/search", mlflow("churn")["GET /api/2.0/mlflow/registered-models/search"])
	ingest()
	if got := bot.entity("mlmodels", `models."fraud.v2"`); !got.Deleted {
		t.Errorf("the model that went away became %+v", got)
	}
	kept()
}
