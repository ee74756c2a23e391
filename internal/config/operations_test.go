package config

import (
	"maps"
	"slices"
	"testing"
)

func TestOperationsAreServedHereUnlessSaidOtherwise(t *testing.T) {
	for _, tc := range []struct {
		address, pprof string
		want           string // address that is bound
		code           string // of the finding, "" for none
		refused        bool
	}{
		{address: "", want: ""},
		{address: "8586", want: "127.0.0.1:8586"},
		{address: ":8586", want: "127.0.0.1:8586"},
		{address: "[::1]:0", want: "[::1]:0"},
		{address: "localhost:8586", pprof: "true", want: "localhost:8586"},
		{address: "", pprof: "true", want: "", code: "CFG-IGNORED"},
		{address: "0.0.0.0:8586", want: "0.0.0.0:8586", code: "CFG-OPERATIONS-OPEN"},
		{address: "0.0.0.0:8586", pprof: "true", code: "CFG-VALUE", refused: true},
		{address: "8585", code: "CFG-VALUE", refused: true},
		{address: "99999", code: "CFG-VALUE", refused: true},
		{address: "here", code: "CFG-VALUE", refused: true},
		{address: "a b:1", code: "CFG-VALUE", refused: true},
	} {
		env := map[string]string{}
		maps.Copy(env, map[string]string{"CATALPA_OPERATIONS_ADDRESS": tc.address, "CATALPA_OPERATIONS_PPROF": tc.pprof})
		maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
		cfg, findings, err := Load(Options{LookupEnv: lookupIn(env)})
		if (err != nil) != tc.refused {
			t.Errorf("address %q, pprof %q: %v, %v; refused should be %v", tc.address, tc.pprof, err, findings, tc.refused)
			continue
		}
		found := slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == tc.code })
		if tc.code != "" && !found || tc.code == "" && len(findings) > 0 {
			t.Errorf("address %q, pprof %q: found %v, want %q", tc.address, tc.pprof, findings, tc.code)
		}
		if err == nil && cfg.Operations.Address != tc.want {
			t.Errorf("address %q is bound to %q, want %q", tc.address, cfg.Operations.Address, tc.want)
		}
	}
}
