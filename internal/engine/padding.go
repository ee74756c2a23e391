package engine

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Adding below what is not there makes lists on the way, filled with nulls up to
// the index. That is right for clients that count from what they saw, but one
// short operation must not make a list of a billion nulls.
const (
	freePadding = 64     // an index that needs no closer look
	maxPadding  = 20_000 // nulls that one patch may make
)

// boundPadding refuses a patch that points far beyond the ends of lists.
func boundPadding(doc []byte, ops []patchOp) error {
	var root any
	left := maxPadding
	for i, op := range ops {
		if op.Op != "add" {
			continue
		}
		steps := strings.Split(*op.Path, "/")[1:]
		if !pointsFar(steps) {
			continue
		}
		if root == nil {
			if err := json.Unmarshal(doc, &root, readOptions); err != nil {
				return entity.BadRequest("the document cannot be read: %s", jsonProblem(err))
			}
		}
		if left -= overshoot(root, steps); left < 0 {
			return entity.BadRequest("operation %d of the JSON Patch points far beyond the end of a list", i)
		}
	}
	return nil
}

func pointsFar(steps []string) bool {
	for _, step := range steps {
		if index(step) > freePadding {
			return true
		}
	}
	return false
}

// index returns the number of a step, 0 when it is none; large ones are cut off.
func index(step string) int {
	n, err := strconv.Atoi(step)
	if err != nil || n < 0 {
		return 0
	}
	return min(n, 1<<30)
}

// overshoot returns how many nulls following the steps would make.
func overshoot(at any, steps []string) int {
	for i, step := range steps {
		switch inner := at.(type) {
		case map[string]any:
			next, ok := inner[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
			if !ok {
				return missing(steps[i+1:])
			}
			at = next
		case []any:
			n := index(step)
			if n >= len(inner) {
				return n - len(inner) + missing(steps[i+1:])
			}
			at = inner[n]
		default:
			return 0 // the library says what is wrong
		}
	}
	return 0
}

func missing(steps []string) int {
	sum := 0
	for _, step := range steps {
		sum += index(step)
	}
	return sum
}
