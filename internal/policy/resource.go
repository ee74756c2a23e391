package policy

import (
	_ "embed" // the resource types are data
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

//go:embed resources.json
var resourcesJSON []byte

// ResourceDescriptor names a resource type and the operations it knows.
type ResourceDescriptor struct {
	Name       string      `json:"name"`
	Operations []Operation `json:"operations"`
}

// descriptors is the embedded list, read once. A defect in it is a defect of
// the build that the first use and every test would show.
var descriptors = sync.OnceValue(func() []ResourceDescriptor {
	var list []ResourceDescriptor
	if err := json.Unmarshal(resourcesJSON, &list); err != nil {
		panic(fmt.Sprintf("policy: embedded resource types: %v", err))
	}
	slices.SortFunc(list, func(a, b ResourceDescriptor) int {
		if first := a.Name == AllResources; first != (b.Name == AllResources) {
			if first {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
})

// Resources lists all resource types: "all", which stands for the rest, then the
// rest by name. The caller owns the list, not the operations in it.
func Resources() []ResourceDescriptor { return slices.Clone(descriptors()) }

// DescriptorOf finds a resource type, in any case.
func DescriptorOf(typ string) (ResourceDescriptor, bool) {
	for _, d := range descriptors() {
		if strings.EqualFold(d.Name, typ) {
			return d, true
		}
	}
	return ResourceDescriptor{}, false
}

// KnownResource tells whether rules may name the type.
func KnownResource(typ string) bool {
	_, ok := DescriptorOf(typ)
	return ok
}
