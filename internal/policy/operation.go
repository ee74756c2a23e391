package policy

import (
	"iter"
	"math/bits"
	"strings"
	"sync"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Operation is something a caller wants to do. The zero value is no operation:
// no rule ever covers it.
type Operation uint8

// The operations. Their order is that of operationNames.
const (
	noOperation Operation = iota
	All
	Create
	BulkCreate
	CreateIngestionPipelineAutomator
	CreateTests
	Delete
	ViewAll
	ViewBasic
	ViewUsage
	ViewTests
	ViewQueries
	ViewDataProfile
	ViewProfilerGlobalConfiguration
	ViewSampleData
	ViewTestCaseFailedRowsSample
	ViewCustomFields
	EditAll
	BulkUpdate
	EditCustomFields
	EditDataProfile
	EditDescription
	EditDisplayName
	EditLineage
	EditEntityRelationship
	EditPolicy
	EditOwners
	EditQueries
	EditReviewers
	EditRole
	EditSampleData
	EditStatus
	EditTags
	EditGlossaryTerms
	EditTeams
	EditTier
	EditCertification
	EditTests
	EditUsage
	EditUsers
	EditLifeCycle
	EditKnowledgePanel
	EditPage
	EditIngestionPipelineStatus
	EditUserNotificationTemplate
	DeleteTestCaseFailedRowsSample
	Deploy
	Trigger
	Kill
	GenerateToken
	EditScim
	CreateScim
	DeleteScim
	ViewScim
	Impersonate
	AuditLogs
	ViewTestDefinitionLibrary
	EditTestDefinitionLibrary
	operationCount
)

const operationNames = `- All Create BulkCreate CreateIngestionPipelineAutomator CreateTests Delete
ViewAll ViewBasic ViewUsage ViewTests ViewQueries ViewDataProfile ViewProfilerGlobalConfiguration
ViewSampleData ViewTestCaseFailedRowsSample ViewCustomFields EditAll BulkUpdate EditCustomFields
EditDataProfile EditDescription EditDisplayName EditLineage EditEntityRelationship EditPolicy
EditOwners EditQueries EditReviewers EditRole EditSampleData EditStatus EditTags EditGlossaryTerms
EditTeams EditTier EditCertification EditTests EditUsage EditUsers EditLifeCycle EditKnowledgePanel
EditPage EditIngestionPipelineStatus EditUserNotificationTemplate DeleteTestCaseFailedRowsSample
Deploy Trigger Kill GenerateToken EditScim CreateScim DeleteScim ViewScim Impersonate AuditLogs
ViewTestDefinitionLibrary EditTestDefinitionLibrary`

// operationTable is the list of names read once, with its inverse and the
// operations that EditAll and ViewAll stand for.
type operationTable struct {
	names  []string
	byName map[string]Operation
	edits  OperationSet
	views  OperationSet
}

var operations = sync.OnceValue(func() operationTable {
	t := operationTable{names: strings.Fields(operationNames), byName: make(map[string]Operation, operationCount)}
	for i := All; i < operationCount; i++ {
		name := t.names[i]
		t.byName[name] = i
		if strings.HasPrefix(name, "Edit") {
			t.edits |= setOf(i)
		}
		if strings.HasPrefix(name, "View") {
			t.views |= setOf(i)
		}
	}
	return t
})

// Operations lists every operation in the order clients know.
func Operations() []Operation {
	list := make([]Operation, 0, operationCount-1)
	for op := All; op < operationCount; op++ {
		list = append(list, op)
	}
	return list
}

// ParseOperation reads the name of an operation. The error is a KindBadRequest.
func ParseOperation(name string) (Operation, error) {
	if op, ok := operations().byName[name]; ok {
		return op, nil
	}
	return noOperation, entity.BadRequest("%q is not an operation such as ViewBasic or EditDescription", entity.Shorten(name, 60))
}

// String returns the name of the operation.
func (o Operation) String() string {
	if o == noOperation || o >= operationCount {
		return "none"
	}
	return operations().names[o]
}

// MarshalText writes the name.
func (o Operation) MarshalText() ([]byte, error) {
	if o == noOperation || o >= operationCount {
		return nil, entity.BadRequest("the zero operation has no name")
	}
	return []byte(o.String()), nil
}

// UnmarshalText reads the name.
func (o *Operation) UnmarshalText(text []byte) error {
	op, err := ParseOperation(string(text))
	*o = op
	return err
}

// OperationSet is a set of operations; the zero value is empty.
type OperationSet uint64

func setOf(op Operation) OperationSet {
	if op >= operationCount {
		op = noOperation // an unknown value must not alias a known one
	}
	return 1 << op
}

// SetOf collects operations.
func SetOf(ops ...Operation) OperationSet {
	var s OperationSet
	for _, op := range ops {
		s |= setOf(op)
	}
	return s
}

// Covered returns the operations a rule that names ops covers: All stands for
// everything, EditAll for every edit, ViewAll for every view.
func Covered(ops ...Operation) OperationSet {
	s := SetOf(ops...) &^ setOf(noOperation)
	switch {
	case s.Has(All):
		return (1<<operationCount - 1) &^ setOf(noOperation)
	case s.Has(EditAll) && s.Has(ViewAll):
		return s | operations().edits | operations().views
	case s.Has(EditAll):
		return s | operations().edits
	case s.Has(ViewAll):
		return s | operations().views
	}
	return s
}

// Has tells whether op is in the set.
func (s OperationSet) Has(op Operation) bool { return s&setOf(op) != 0 }

// Len counts the operations in the set.
func (s OperationSet) Len() int { return bits.OnesCount64(uint64(s)) }

// Each yields the operations in the order of Operations.
func (s OperationSet) Each() iter.Seq[Operation] {
	return func(yield func(Operation) bool) {
		for rest := uint64(s); rest != 0; rest &= rest - 1 {
			if !yield(Operation(bits.TrailingZeros64(rest))) {
				return
			}
		}
	}
}

// List returns the operations in the order of Operations.
func (s OperationSet) List() []Operation {
	list := make([]Operation, 0, s.Len())
	for op := range s.Each() {
		list = append(list, op)
	}
	return list
}

// String writes the set as clients know it: [EditTags, EditTier].
func (s OperationSet) String() string {
	names := make([]string, 0, s.Len())
	for op := range s.Each() {
		names = append(names, op.String())
	}
	return "[" + strings.Join(names, ", ") + "]"
}
