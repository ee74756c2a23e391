// What the pages compute: names, trees, differences, the graph.
import { describe, expect, it } from "vitest";
import { partsOf, pageOf, unquoted } from "./kinds";
import { cell } from "./pages/cell";
import { rowsOf } from "./pages/rows";
import { wordsOf } from "./pages/words";
import { flowOf, reach } from "./pages/flow";
import { setMember } from "./member";

describe("fully qualified names", () => {
  it.each([
    ["a.b.c", ["a", "b", "c"]], ['"a.b".c', ['"a.b"', "c"]], ['s."x ""y"".z".t', ["s", '"x ""y"".z"', "t"]], ["one", ["one"]], ["", []],
  ])("%s is cut at its dots", (fqn, parts) => expect(partsOf(fqn)).toEqual(parts));
  it("lose their quotes where people read them", () => expect(unquoted('"x ""y"".z"')).toBe('x "y".z'));
  it("stand in addresses whole", () => expect(pageOf("table", 's."a/b.c".t')).toBe("/table/s.%22a%2Fb.c%22.t"));
});

const columns = [{ name: "id", tags: [{ tagFQN: "PII.Sensitive" }] }, { name: "customer", children: [{ name: "email", description: "Where to write" }, { name: "address", children: [{ name: "postcode" }] }] }];

describe("rows of a tree of columns", () => {
  it("follow the order of the columns, with the place of each in the document", () =>
    expect(rowsOf(columns, "/columns", new Set(), "").map((row) => [row.path, row.depth, row.pointer])).toEqual([
      ["id", 0, "/columns/0"], ["customer", 0, "/columns/1"], ["customer.email", 1, "/columns/1/children/0"], ["customer.address", 1, "/columns/1/children/1"], ["customer.address.postcode", 2, "/columns/1/children/1/children/0"],
    ]));
  it("leave out what is below a closed one", () => expect(rowsOf(columns, "", new Set(["customer"]), "").map((row) => row.path)).toEqual(["id", "customer"]));
  it("keep the ancestors of what a filter finds, closed or not", () => expect(rowsOf(columns, "", new Set(["customer"]), "POST").map((row) => row.path)).toEqual(["customer", "customer.address", "customer.address.postcode"]));
  it("are found by description and tag", () => {
    expect(rowsOf(columns, "", new Set(), "where to").map((row) => row.path)).toEqual(["customer", "customer.email"]);
    expect(rowsOf(columns, "", new Set(), "sensitive").map((row) => row.path)).toEqual(["id"]);
  });
});

describe("differences of texts", () => {
  it("are told by word", () => expect(wordsOf("one row per order", "one line per order")).toEqual([{ kind: "same", text: "one " }, { kind: "old", text: "row" }, { kind: "new", text: "line" }, { kind: "same", text: " per order" }]));
  it("put together again give both texts", () => {
    const [before, after] = ["a b  c\nd e", "x b c\ne f"];
    const parts = wordsOf(before, after);
    expect(parts.filter((part) => part.kind !== "new").map((part) => part.text).join("")).toBe(before);
    expect(parts.filter((part) => part.kind !== "old").map((part) => part.text).join("")).toBe(after);
  });
  it("of very long texts are not worked out", () => expect(wordsOf("a ".repeat(1000), "b ".repeat(1000))).toHaveLength(2));
});

describe("cells of CSV", () => {
  it.each([["plain", "plain"], ['say "hi"', '"say ""hi"""'], ["a,b", '"a,b"'], ["=1+1", "'=1+1"], ["@x", "'@x"], ["two\nlines", '"two\nlines"']])("%s", (text, written) => expect(cell(text)).toBe(written));
});

describe("lineage", () => {
  const thing = (id: string) => ({ entity: { id, name: id, fullyQualifiedName: `s.${id}` } });
  const edge = (from: string, to: string) => ({ fromEntity: { id: from }, toEntity: { id: to }, columns: [{ fromColumns: [`s.${from}.x`], toColumn: `s.${to}.y` }] });
  const answer = { nodes: { "s.a": thing("a"), "s.b": thing("b"), "s.c": thing("c"), "s.d": thing("d") }, upstreamEdges: { 1: edge("a", "b") }, downstreamEdges: { 2: edge("b", "c"), 3: edge("c", "d"), 4: edge("a", "b"), 5: edge("d", "b"), 6: edge("x", "b") } };
  const flow = flowOf(answer, "s.b");
  it("holds each link once, and none to what is not shown", () => expect(flow.links.map((link) => link.from + link.to)).toEqual(["ab", "bc", "cd", "db"]));
  it("knows how far things are, also in a circle", () => expect(Object.fromEntries([...flow.things].map(([id, step]) => [id, step.depth]))).toEqual({ a: -1, b: 0, c: 1, d: 2 }));
  it("marks what lies before and behind", () => expect([...reach(flow, "a")].sort()).toEqual(["a", "b", "c", "d"]));
});

describe("patches of one member", () => {
  it("add, replace and remove", () => {
    expect(setMember({}, "/description", "x")).toEqual([{ op: "add", path: "/description", value: "x" }]);
    expect(setMember({ columns: [{ description: "x" }] }, "/columns/0/description", "y")).toEqual([{ op: "replace", path: "/columns/0/description", value: "y" }]);
    expect(setMember({ description: "x" }, "/description", "")).toEqual([{ op: "remove", path: "/description" }]);
    expect(setMember({}, "/description", "")).toEqual([]);
  });
});
