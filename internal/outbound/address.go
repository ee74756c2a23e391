package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// forbidden are the networks that nobody may be sent to by a name or an address
// of others: this host, its neighbours, the metadata services of clouds, and the
// forms of IPv6 that carry an IPv4 address inside (IANA special-purpose registries).
func forbidden() []netip.Prefix {
	texts := []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		// A metadata service on a public address.
		"168.63.129.16/32",
		"::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
		"2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	}
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// rules tell which hosts and addresses may be called.
type rules struct {
	forbidden   []netip.Prefix
	hosts       map[string]bool // names, addresses, either with ":port"
	networks    []netip.Prefix
	development bool
}

func newRules(allow []string, development bool) *rules {
	r := &rules{forbidden: forbidden(), hosts: make(map[string]bool), development: development}
	for _, entry := range allow {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			r.networks = append(r.networks, prefix.Masked())
			continue
		}
		if entry != "" {
			r.hosts[strings.Trim(entry, "[]")] = true
		}
	}
	return r
}

// listed tells whether the operator allowed the host by name, or by address.
func (r *rules) listed(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if r.hosts[host] || r.hosts[net.JoinHostPort(host, port)] {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && r.inNetworks(addr)
}

func (r *rules) inNetworks(addr netip.Addr) bool {
	for _, n := range r.networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// loopback tells whether the host is this machine by its plain names.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && !addr.Is4In6() && addr.IsLoopback()
}

// free tells whether the host may be called at any address, and without TLS.
func (r *rules) free(host, port string) bool {
	return r.listed(host, port) || r.development && loopback(host)
}

// check judges an address that a host not listed resolves to. Literal forms of
// IPv4 inside IPv6 are refused as such; resolvers give those for plain IPv4.
func (r *rules) check(addr netip.Addr, literal bool) error {
	if addr.Zone() != "" || literal && addr.Is4In6() {
		return refusef("the form of the address is not allowed")
	}
	addr = addr.Unmap()
	if r.inNetworks(addr) {
		return nil
	}
	for _, n := range r.forbidden {
		if n.Contains(addr) {
			return refusef("an address in %s is not allowed", n)
		}
	}
	return nil
}

// checkName refuses host names that are numbers in disguise (0x7f.1, 2130706433,
// 0177.0.0.1), which some resolvers take for addresses.
func checkName(host string) error {
	name := strings.TrimSuffix(host, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" || len(name) > 253 {
		return refusef("the host name is not valid")
	}
	if last[0] >= '0' && last[0] <= '9' && strings.Trim(strings.ToLower(last), "0123456789abcdefx") == "" {
		return refusef("the host is an address in an unusual form")
	}
	for _, r := range name {
		if r > 126 || r <= 32 || strings.ContainsRune(`/\@%#?"<>:[]`, r) {
			return refusef("the host name is not valid")
		}
	}
	return nil
}

func refusef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}
