package registry

import "github.com/catalpa-metadata/catalpa/internal/jsonschema"

// route is a set of routes that some types have and others lack.
type route uint16

const (
	bulk        route = 1 << iota // PUT /bulk
	csv                           // export and import
	restore                       // PUT /restore
	async                         // DELETE /async/{id}
	followers                     // PUT and DELETE /{id}/followers
	vote                          // PUT /{id}/vote
	patchByName                   // PATCH /name/{fqn}
	notCreated                    // clients have no request to create it with
	readOnly                      // nor to change it
	rename                        // PATCH may change the name and the parent
)

// routes is the part of Supports that an entry states; describe adds the part
// that follows from the schema.
func routes(r route) Supports {
	return Supports{
		Bulk: r&bulk != 0, CSV: r&csv != 0, Restore: r&restore != 0, Async: r&async != 0,
		FollowersRoute: r&followers != 0, VoteRoute: r&vote != 0, PatchByName: r&patchByName != 0,
		Rename:     r&rename != 0,
		PutAllowed: r&(notCreated|readOnly) == 0, PostAllowed: r&(notCreated|readOnly) == 0,
		Versions: r&readOnly == 0,
	}
}

// describe fills in what follows from the schema of the entity.
func (s *Supports) describe(set *jsonschema.Set, schema string) {
	for member, supported := range map[string]*bool{
		"owners": &s.Owners, "tags": &s.Tags, "domains": &s.Domains, "dataProducts": &s.DataProducts,
		"followers": &s.Followers, "votes": &s.Votes, "reviewers": &s.Reviewers, "experts": &s.Experts,
		"extension": &s.Extension, "certification": &s.Certification, "lifeCycle": &s.LifeCycle,
		"deleted": &s.SoftDelete, "usageSummary": &s.UsageSummary,
	} {
		*supported = set.Has(schema, member)
	}
}
