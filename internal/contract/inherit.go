package contract

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// inheritable are the parts of a contract that an entity takes over whole when its
// own contract says nothing about them.
var inheritable = []string{"termsOfUse", "security", "sla"}

// own are the parts of a contract that concern one entity only.
var own = []string{"qualityExpectations", "odcsQualityRules", "schema", "testSuite", "latestResult", "contractUpdates"}

// Inherit makes the contract of an entity that has none from that of its data
// product. What comes from there is marked.
func Inherit(from *entity.Entity, about entity.Ref) (*entity.Entity, error) {
	out := *from
	out.Rest = make(map[string]jsontext.Value, len(from.Rest))
	for name, value := range from.Rest {
		out.Rest[name] = value
	}
	for _, name := range own {
		delete(out.Rest, name)
	}
	var err error
	if out.Rest["entity"], err = encode(about); err != nil {
		return nil, err
	}
	out.Rest["entityStatus"], out.Rest["inherited"] = jsontext.Value(`"`+Draft+`"`), jsontext.Value("true")
	for _, name := range inheritable {
		if err := takeOver(&out, from, name); err != nil {
			return nil, err
		}
	}
	rules, err := rulesOf(from, nil)
	if err != nil {
		return nil, err
	}
	return &out, setRules(&out, rules)
}

// Merge makes the contract that is in force for an entity from its own and that of
// its data product: rules of both, and the parts that its own leaves out. A rule of
// the same name is the entity's own.
func Merge(mine, from *entity.Entity) (*entity.Entity, error) {
	out := *mine
	out.Rest = make(map[string]jsontext.Value, len(mine.Rest)+len(inheritable))
	for name, value := range mine.Rest {
		out.Rest[name] = value
	}
	for _, name := range inheritable {
		if out.Rest[name] == nil {
			if err := takeOver(&out, from, name); err != nil {
				return nil, err
			}
		}
	}
	var rules []member
	if err := read(mine.Rest["semantics"], &rules); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, rule := range rules {
		names[string(rule["name"])] = true
	}
	inherited, err := rulesOf(from, names)
	if err != nil {
		return nil, err
	}
	return &out, setRules(&out, append(inherited, rules...))
}

// member is an object of a contract.
type member = map[string]jsontext.Value

func read(raw jsontext.Value, to any) error {
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return entity.Internal(err)
	}
	return nil
}

func encode(v any) (jsontext.Value, error) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return raw, nil
}

// takeOver copies a part and marks it as inherited.
func takeOver(to, from *entity.Entity, name string) error {
	if from.Rest[name] == nil {
		return nil
	}
	var part member
	if err := read(from.Rest[name], &part); err != nil {
		return err
	}
	part["inherited"] = jsontext.Value("true")
	var err error
	to.Rest[name], err = encode(part)
	return err
}

// rulesOf are the rules of a contract, marked as inherited, without those with names.
func rulesOf(from *entity.Entity, without map[string]bool) ([]member, error) {
	var rules, out []member
	if err := read(from.Rest["semantics"], &rules); err != nil {
		return nil, err
	}
	for _, rule := range rules {
		if !without[string(rule["name"])] {
			rule["inherited"] = jsontext.Value("true")
			out = append(out, rule)
		}
	}
	return out, nil
}

func setRules(to *entity.Entity, rules []member) error {
	if len(rules) == 0 {
		delete(to.Rest, "semantics")
		return nil
	}
	raw, err := encode(rules)
	to.Rest["semantics"] = raw
	return err
}
