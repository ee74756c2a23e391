package richtext

import "testing"

// attacks are texts that would run something somewhere, or hide that they do.
var attacks = []string{
	// elements
	"<script>alert(1)</script>", "<SCRIPT SRC=//evil/x.js></SCRIPT>", "<script/xss src=x>", "<script\n>alert(1)</script\n>", "<<SCRIPT>alert(1);//<</SCRIPT>",
	"<scr<script>ipt>alert(1)</scr</script>ipt>", "x<script >alert`1`</script>", "<script", "<style>@import'//evil';</style>", "<iframe src=javascript:alert(1)>",
	"<iframe srcdoc='<script>alert(1)</script>'>", "<iframe src=http://evil/ <", "<object data=javascript:alert(1)>", "<embed src=//evil/x.swf>", "<svg/onload=alert(1)>",
	"<svg><script>alert(1)</script>", "<svg><animate onbegin=alert(1) attributeName=x>", "<svg><a xlink:href=javascript:alert(1)><text>x</text></a>",
	"<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x", "<form action=javascript:alert(1)><button>x", "<form id=x></form><button form=x formaction=javascript:alert(1)>",
	"<base href=//evil/>", "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>", "<link rel=stylesheet href=//evil/x.css>", "<template><script>alert(1)</script></template>",
	"<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<title><img src=x onerror=alert(1)></title>", "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
	"<frameset onload=alert(1)>", "<applet code=x>", "<textarea><img src=x onerror=alert(1)></textarea>", "</script><script>alert(1)",
	// attributes
	"<img src=x onerror=alert(1)>", "<IMG SRC=x OnErRoR = \"alert(1)\">", "<img/src=\"x\"/onerror=alert(1)>", "<img src=\"x\"onerror=\"alert(1)\">", "<img src=x onerror=alert(1)",
	"<img \n\t\f onerror\n=\n'alert(1)' src=x>", "<b onmouseover=alert(1)>x</b>", "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>", "<x onclick=alert`1`>",
	"<body onload=top.location=name>", "<img \"\"\"><script>alert(1)</script>\">", "<img src=x onerror=&#97;lert&lpar;1)>", "<input autofocus onfocus=eval(name)>", "<a onclick=0\x00()>x</a>",
	"<b/a=\"\"onclick=alert(1)>", "<p title=\">\" onclick=alert(1)>", "<x onanimationend=\"throw/a/,x\">", "<div style=\"width: expression(alert(1))\">", "<div style=\"background:url(javascript:alert(1))\">",
	"<div style=\"width:\\65xpression(alert(1))\">", "<div style=\"x:expr/**/ession(alert(1))\">", "<p style=\"-moz-binding:url(//evil)\">", "<table background=\"javascript:alert(1)\">",
	"<a href=javascript:alert(1)>x</a>", "<a href=\" \x01javascript:alert(1)\">x</a>", "<a href=\"java&#x09;script:alert(1)\">x</a>", "<a href=\"java\nscript:alert(1)\">x</a>", "<a href=\"&#106avascript&colon;alert(1)\">x</a>",
	"<a href=JaVaScRiPt:alert(1)>x</a>", "<a href='vbscript:msgbox(1)'>x</a>", "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>", "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
	"<a href=\"data:application/xhtml+xml,x\">x</a>", "<a xlink:href=javascript:alert(1)>x</a>", "<isindex action=javascript:alert(1)>", "<button formaction=//evil>x</button>",
	// Markdown
	"[x](javascript:alert(1))", "[x]( javascript:alert(1))", "[x](<javascript:alert(1)>)", "[x](< javascript:alert(1)>)", "[x](\n  javascript:alert(1))", "![x](javascript:alert(1) \"t\")",
	"[x](JAVASCRIPT:alert(1))", "[x](java&#115;cript:alert(1))", "[x](javascript&colon;alert(1))", "[x](javascript\\:alert(1))", "[x](java&Tab;script:alert(1))", "[x](<java\tscript:alert(1)>)", "[x] (javascript:alert(1))",
	"[x](vbscript:x)", "[x](data:text/html;base64,PHNjcmlwdD4=)", "![x](data:image/svg+xml;base64,PHN2Zz4=)", "[x]: javascript:alert(1)", "[x]:\n   <javascript:alert(1)>\n\n[x]", "[x][y]\n\n[y]: data:text/html,x",
	"<javascript:alert(1)>", "<JavaScript:alert(1)>", "<data:text/html,x>", "[a](javascript:alert(1)) and [b](https://ok)", "[![a](javascript:x)](https://ok)",
	// tags where one reader sees none
	"`<img src=x onerror=alert(1)>`", "```\n<script>alert(1)</script>\n```", "<!--<img src=\"--><img src=x onerror=alert(1)//\">", "<!--><script>alert(1)</script>-->", "<![CDATA[<]]><script>alert(1)</script>",
	"<x, a=\"<img src=x onerror=alert(1)>\">", "<p title=\"<img src=x onerror=alert(1)>\">x</p>", "<a href=\"x`y\"><b onclick=alert(1)>`", "\\<img src=x onerror=alert(1)>", "<?x ><img src=x onerror=alert(1)>",
	"> <img src=x\n> onerror=alert(1)>", "> <a href=\"java\n> script:alert(1)\">x</a>", "> [x](\n> javascript:alert(1))", "> > <img src=x\n> > onerror=alert(1)>", "- > <img\r  > onerror=alert(1) src=x>", "> [x]:\n> javascript:alert(1)",
	"<https://x/onmouseover=alert(1)//>", "<x y<z onclick=alert(1)>", "<img src='x' <b onerror=alert(1)>", "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
	"<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">", "<select><template><img src=x onerror=alert(1)>", "<table><a href=javascript:alert(1)>", "<a title='<' onclick='alert(1)'>",
}

func TestT49ActiveTextsAreShown(t *testing.T) {
	for _, text := range attacks {
		got := Clean(text)
		if got == text {
			t.Errorf("%q stays as it is", text)
		}
		if again := Clean(got); again != got {
			t.Errorf("%q became %q, and then %q", text, got, again)
		}
		wantHarmless(t, text, got)
	}
}

// TestShownAsWritten: what is taken from a text is its activity, nothing else.
func TestShownAsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"a <script>x</script> b":                       "a &lt;script>x&lt;/script> b",
		"<p><img src=x onerror=alert(1)> and <b>c</b>": "<p>&lt;img src=x onerror=alert(1)> and <b>c</b>",
		"see [x](javascript:y) or [z](https://z)":      "see [x&#93;(javascript:y) or [z](https://z)",
		"[x]: <javascript:y>":                          "[x&#93;: &lt;javascript:y>",
		"> <i\n> onclick=x()> <b>":                     "> &lt;i\n> onclick=x()> <b>",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
