package api

import "testing"

func TestManyTermsAtOnceAndTheirSearch(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/glossaries", `{"name":"Sales","description":"-"}`, 201)
	h.do("POST", "/glossaries", `{"name":"Other","description":"-"}`, 201)
	h.do("POST", "/glossaryTerms/createMany", `[{"name":"Client","glossary":"Sales","description":"Who buys","synonyms":["Customer"]},
		{"name":"Key Account","glossary":"Sales","parent":"Sales.Client","description":"Who buys a lot"},
		{"name":"Lost","glossary":"None","description":"-"},{"name":"Client","glossary":"Other","description":"A program"}]`, 200).
		shows("status", "partialSuccess", "numberOfRowsPassed", "3", "failedRequest.0.status", "404")
	h.do("POST", "/glossaryTerms/createMany", `{}`, 400)
	h.as(h.consumer("reader"), "POST", "/glossaryTerms/createMany", `[{"name":"Mine","glossary":"Sales","description":"-"}]`).want(200).shows("status", "failure", "failedRequest.0.status", "403")

	glossary := h.do("GET", "/glossaries/name/Sales", nil, 200).id()
	for query, want := range map[string]string{
		"q=client": "2", "q=CUSTOMER": "1", "q=buys&glossaryFqn=Sales": "2", "q=client&glossary=" + glossary: "1", "glossaryFqn=Sales": "2",
		"parentFqn=Sales.Client": "1", "q=nothing": "0", "": "3",
	} {
		h.do("GET", "/glossaryTerms/search?"+query, nil, 200).shows("paging.total", want)
	}
	h.do("GET", "/glossaryTerms/search?limit=1&offset=1&fields=tags&glossaryFqn=Sales", nil, 200).shows("paging.total", "2", "data.0.name", "Key Account", "data.1", "")
	h.do("GET", "/glossaryTerms/search?glossary=00000000-0000-4000-8000-000000000001", nil, 404)
	h.do("GET", "/glossaryTerms/search?glossary=x", nil, 400)
}

func TestChildrenOfAContainerAndFilesThatComeBack(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/services/storageServices", `{"name":"s3","serviceType":"S3"}`, 201)
	h.do("POST", "/containers", `{"name":"bucket","service":"s3"}`, 201)
	bucket := h.do("GET", "/containers/name/s3.bucket", nil, 200).id()
	for _, name := range []string{"a", "b"} {
		h.do("POST", "/containers", `{"name":"`+name+`","service":"s3","parent":{"id":"`+bucket+`","type":"container"}}`, 201)
	}
	h.do("GET", "/containers/name/s3.bucket/children?limit=1&offset=1", nil, 200).shows("paging.total", "2", "data.0.fullyQualifiedName", "s3.bucket.b", "data.0.type", "container", "data.1", "")
	h.do("GET", "/containers/name/s3.none/children", nil, 404)

	h.do("POST", "/services/driveServices", `{"name":"drive","serviceType":"GoogleDrive"}`, 201)
	folder := h.do("POST", "/drives/directories", `{"name":"folder","service":"drive"}`, 201).id()
	h.do("DELETE", "/drives/directories/"+folder, nil, 200)
	h.do("GET", "/drives/directories/"+folder, nil, 404)
	h.do("PUT", "/drives/directories/"+folder+"/restore", nil, 200).shows("id", folder)
	h.do("GET", "/drives/directories/"+folder, nil, 200)
}
