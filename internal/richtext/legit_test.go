package richtext

import (
	"strings"
	"testing"
)

// legitimate are texts as people and sources write them. They come back as they are.
var legitimate = []string{
	"", "plain", "a < b and c > d", "a<b", "if x<y { return }", "1<2>0", "<", "<>", "</>", "< script>", "<3 this table", "a <- b -> c", "x <= y",
	"`List<String>` and Map<String, List<Map<Long, Object>>>", "Option<Form>, List<Object>, Set<Base>, Page<Link>", "std::vector<int> v;",
	"SELECT * FROM a WHERE x<y AND z>1 AND online = 1", "where a <b AND one='x' and ongoing=2020-01-01", "SELECT '<none>' AS missing",
	"<https://example.com/docs/onboarding?x=1&y=2>", "<https://example.com/?next=onclick>", "<mailto:ann@example.com>", "<ann@example.com>",
	"<#E::table::shop_pg.shop.public.orders>", "<#E::user::ann> look at <#E::table::a.b.c.d::columns::email>",
	"&lt;script&gt;alert(1)&lt;/script&gt;", "Fish &amp; chips &#60;3", "5 &lt; 6",
	"# Title\n\n- one\n- [ ] two\n\n> quoted\n> more\n\n| a | b |\n|---|---|\n| 1 | x<y |\n",
	"```java\nMap<String, Object> m = new HashMap<>();\nif (a<b && c>d) {}\n```", "```sql\nSELECT a[1](x), b\n```", "    indented <code>\n",
	"[docs](https://example.com/a_(b)) ![logo](./logo.png \"Logo\") [x][1]\n\n[1]: https://example.com 'One'", "[mail](mailto:a@b.c) [here](#top) [file](file:///x)",
	"def fn[T](data: T) -> list[int]: data", "a[0](data) b[i]: data", "arr[1]:\n  data", "![dot](data:image/png;base64,iVBORw0KGgo=)",
	`<p>HTML <b>is</b> <i>fine</i>, <a href="https://example.com" target="_blank" rel="noopener">links</a> too</p>`,
	`<p style="text-align: center; color: #f00; scroll-behavior: smooth">x</p>`, `<img src="https://x/y.png" alt="javascript: the good parts" width="10"/>`,
	`<img src="data:image/png;base64,iVBORw0KGgo=">`, `<a data-type="mention" data-label="ann" href="http://h/users/ann">@ann</a>`,
	`<details open><summary>More</summary><table><tr><td colspan="2">1</td></tr></table></details>`, `<input type="checkbox" checked disabled>`,
	"<br/><hr /><kbd>Ctrl</kbd> H<sub>2</sub>O", "<!-- a note -->", "<?xml version=\"1.0\"?>", "<![CDATA[x]]>", "<xs:element name=\"a\" type=\"xs:string\"/>",
	"Kafka key: <customer_id>:<order_id>, see <tenant>.events", "the <script_id> and the <title_no>", "Überschrift <b>日本語</b> 🦊", "a\r\n> b <c\r\n",
	"<user.name@host> wrote:\n> how about <this>?\n> yes", `{"a": ["b"], "c": [1]}`, "[a]: b", "]", "](", "]:", "<a", "a <b", strings.Repeat("[", 100) + strings.Repeat("]", 100),
	"<obje\x02ct data=javascript ",
	"$$\\frac{a<b}{c}$$", "```mermaid\ngraph LR; A-->B; B<-->C\n```", "name=\"x\" on = y", "x<y on error=resume",
}

func TestLegitimateTextsStayAsTheyAre(t *testing.T) {
	for _, text := range legitimate {
		if got := Clean(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
