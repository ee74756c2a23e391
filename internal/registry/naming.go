package registry

import (
	"crypto/md5" // names queries as clients do; it protects nothing
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// queryFQN names a query below its service. A query without a name is called by
// the MD5 of its text, which is how ingestion finds it again.
func queryFQN(e, parent *entity.Entity) (string, error) {
	if e.Name == "" {
		e.Name = textDigest(textMember(e, "query"))
	}
	if parent == nil {
		return "", entity.BadRequest("[service must not be null]")
	}
	return entity.JoinFQN(parent.FullyQualifiedName, e.Name), nil
}

// prepareQuery keeps the checksum in step with the text.
func prepareQuery(e, _ *entity.Entity) error {
	return setText(e, "checksum", textDigest(textMember(e, "query")))
}

// textDigest is the MD5 of a text in lower-case hexadecimal.
func textDigest(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// testCaseFQN names a test case below the table or column it tests.
func testCaseFQN(e, _ *entity.Entity) (string, error) {
	target, err := testedFQN(e)
	if err != nil {
		return "", err
	}
	return entity.JoinFQN(target, e.Name), nil
}

// prepareTestCase writes down what the link points at.
func prepareTestCase(e, _ *entity.Entity) error {
	target, err := testedFQN(e)
	if err != nil {
		return err
	}
	return setText(e, "entityFQN", target)
}

// testedFQN returns the FQN of the table or column that a test case is linked to.
func testedFQN(e *entity.Entity) (string, error) {
	link, err := entity.ParseLink(textMember(e, "entityLink"))
	if err != nil {
		return "", err
	}
	table := entity.CanonicalFQN(link.FQN)
	if link.Field != "columns" || link.Item == "" {
		return table, nil
	}
	// A column inside another comes as a path, whose parts are quoted already.
	if parts, err := entity.SplitFQN(link.Item); err == nil && len(parts) > 1 {
		return table + "." + link.Item, nil
	}
	return entity.JoinFQN(table, link.Item), nil
}

// testSuiteFQN names the suite of one table after the table, others by themselves.
func testSuiteFQN(e, parent *entity.Entity) (string, error) {
	if parent == nil {
		return entity.QuoteName(e.Name), nil
	}
	return parent.FullyQualifiedName + ".testSuite", nil
}

// prepareTestSuite marks the suites that belong to one table.
func prepareTestSuite(e, parent *entity.Entity) error {
	if parent == nil {
		return nil
	}
	e.Rest["basic"] = []byte("true")
	return nil
}

// dataContractFQN names a contract below the entity it is about.
func dataContractFQN(e, parent *entity.Entity) (string, error) {
	if parent == nil {
		return "", entity.BadRequest("[entity must not be null]")
	}
	return entity.JoinFQN(parent.FullyQualifiedName, "dataContract_"+e.Name), nil
}

// prepareDataContract turns terms of use, which requests give as a text, into what a
// contract has.
func prepareDataContract(e, _ *entity.Entity) error {
	terms := e.Rest["termsOfUse"]
	if terms.Kind() != '"' {
		return nil
	}
	raw, err := json.Marshal(map[string]jsontext.Value{"content": terms})
	if err != nil {
		return entity.Internal(err)
	}
	e.Rest["termsOfUse"] = raw
	return nil
}

// documentFQN takes the name that the user interface gives the document.
func documentFQN(e, _ *entity.Entity) (string, error) {
	if e.FullyQualifiedName == "" {
		return entity.QuoteName(e.Name), nil
	}
	return e.FullyQualifiedName, nil
}
