package entity

import "testing"

func TestSplitAddress(t *testing.T) {
	for text, want := range map[string][2]string{
		"https://chat.example/services/x?y=z": {"https://chat.example/", "services/x?y=z"},
		"http://x?t=1":                        {"http://x?", "t=1"},
		"http://x#f":                          {"http://x#", "f"},
		"http://x/":                           {"http://x/", ""},
		"http://x":                            {"http://x", ""},
		"http:///x":                           {"http:///x", ""},
		"/services":                           {"/services", ""},
		"":                                    {"", ""},
	} {
		if host, rest := SplitAddress(text); host != want[0] || rest != want[1] {
			t.Errorf("%q is cut into %q and %q, want %q", text, host, rest, want)
		}
	}
}
