package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// IsLoopback tells whether the server can be reached from this machine only.
func (s Server) IsLoopback() bool {
	return isLoopbackHost(s.Host)
}

// Address is what to listen on.
func (s Server) Address() string { return net.JoinHostPort(s.Host, fmt.Sprint(s.Port)) }

// validate checks what one value alone cannot show.
func (b *binder) validate(cfg *Config) {
	b.checkServer(cfg)
	b.checkOperations(cfg)
	b.checkDatabase(cfg)
	b.checkSearch(cfg)
	b.checkDataDir(cfg)
	b.checkProvider(cfg)
	b.checkAuthentication(cfg)
	b.checkAuthorizer(cfg)
	b.checkEmail(cfg)
	b.checkKeys(cfg)
	b.checkUnused(cfg)
}

// guard reports what production mode refuses and development mode tolerates.
func (b *binder) guard(cfg *Config, code, key, message, remedy string) {
	severity := Error
	if cfg.Mode == Development {
		severity = Warning
	}
	b.report(severity, code, key, message, remedy)
}

func (b *binder) warn(code, key, message, remedy string) {
	b.report(Warning, code, key, message, remedy)
}

// checkUnused says which settings are understood but have no effect, so that
// nobody relies on them.
func (b *binder) checkUnused(cfg *Config) {
	if cfg.FernetKey != "" {
		b.report(Notice, "CFG-UNUSED", "fernetKey", "has no effect: secrets are sealed with the key in master.key in the data directory.", "")
	}
}

func (b *binder) checkServer(cfg *Config) {
	if net.ParseIP(cfg.Server.Host) == nil && !isHostName(cfg.Server.Host) {
		b.refuse(keyHost, "%q is neither an IP address nor a host name.", clip(cfg.Server.Host))
	}
	if kind := b.text(keyType, "http"); kind != "http" {
		b.report(Error, "CFG-NOT-BUILT", keyType, fmt.Sprintf("connector type %q is not built yet.", clip(kind)), "use http and let a proxy in front end TLS.")
	}
	if second, ok := b.values["server.applicationConnectors[1].port"]; ok {
		b.findings = append(b.findings, Finding{Severity: Warning, Code: "CFG-IGNORED", Key: "server.applicationConnectors[1]", Line: second.line,
			Message: "the server listens on the first connector only."})
	}
	for _, entry := range cfg.Server.OutboundAllow {
		if !isOutbound(entry) {
			b.refuse("server.outboundAllow", "%q is neither a host, with or without a port, nor a network such as 10.0.0.0/8.", clip(entry))
		}
	}
	if cfg.Server.ShutdownTimeout == 0 {
		b.warn("CFG-SHUTDOWN", "server.shutdownGracePeriod", "running requests are cut off at once when the server stops.", "give them some seconds.")
	}
}

// isOutbound accepts a host, a host and a port, or a network.
func isOutbound(entry string) bool {
	if _, err := netip.ParsePrefix(entry); err == nil {
		return true
	}
	host, port, err := net.SplitHostPort(entry)
	if err != nil {
		host, port = strings.Trim(entry, "[]"), "1"
	}
	_, bad := strconv.ParseUint(port, 10, 16)
	return bad == nil && (net.ParseIP(host) != nil || isHostName(host))
}

// isHostName accepts letters, digits, dots, dashes and underscores.
func isHostName(host string) bool {
	if host == "" || len(host) > 253 || strings.HasPrefix(host, "-") || strings.HasPrefix(host, ".") {
		return false
	}
	for _, r := range host {
		if r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

func (b *binder) checkDataDir(cfg *Config) {
	if info, err := os.Stat(cfg.DataDir); err == nil && !info.IsDir() {
		b.refuse("dataDir", "%s is a file; the data directory must be a directory or not exist yet.", clip(cfg.DataDir))
	}
}

func (b *binder) checkProvider(cfg *Config) {
	const key = keyAuth + "provider"
	provider := cfg.Authentication.Provider
	switch {
	case contains(providers(), provider):
	case provider == "no-auth":
		b.refuse(key, "a server without authentication does not exist here; use %q.", ProviderBasic)
	default:
		hint := ""
		if near := closest(provider, providers()); near != "" {
			hint = fmt.Sprintf(" Did you mean %q?", near)
		}
		b.refuse(key, "%q is not one of %s.%s", clip(provider), strings.Join(providers(), ", "), hint)
	}
}

// checkKeys refuses keys that everybody knows and files that are not there.
func (b *binder) checkKeys(cfg *Config) {
	if IsPublishedFernetKey(cfg.FernetKey) {
		b.guard(cfg, CodeFernet, "fernetKey", "this is the key that OpenMetadata publishes in its sample configuration; secrets sealed with it are readable by anyone.",
			"remove the line; the server makes and keeps a key of its own.")
		cfg.FernetKey = ""
	}
	if password, _ := b.get("database.password"); sum([]byte(password)) == publishedDatabasePassword {
		b.guard(cfg, CodeDatabasePassword, "database.password", "this is the database password that OpenMetadata publishes in its sample configuration.",
			"change the password of the database, and give the new one, or remove the section where the store is embedded.")
	}
	if IsPublishedKeyID(cfg.JWT.KeyID) {
		b.guard(cfg, CodeKeyID, "jwtTokenConfiguration.keyId", "this id belongs to the signing key that OpenMetadata publishes; tokens signed with it can be made by anyone.",
			"remove the jwtTokenConfiguration section; the server makes its own key pair and id.")
		cfg.JWT.KeyID = ""
	}
	b.checkKeyFiles(cfg)
}

func (b *binder) checkKeyFiles(cfg *Config) {
	const publicKey, privateKey = "jwtTokenConfiguration.rsapublicKeyFilePath", "jwtTokenConfiguration.rsaprivateKeyFilePath"
	jwt := &cfg.JWT
	if jwt.PublicKeyPath == samplePublicKeyPath && jwt.PrivateKeyPath == samplePrivateKeyPath && !exists(jwt.PublicKeyPath) && !exists(jwt.PrivateKeyPath) {
		b.warn("CFG-KEY-FILES", privateKey, "the sample's key files are not there; the server uses a key pair of its own.", "remove both paths.")
		jwt.PublicKeyPath, jwt.PrivateKeyPath = "", ""
		return
	}
	if (jwt.PublicKeyPath == "") != (jwt.PrivateKeyPath == "") {
		b.refuse(privateKey, "the public and the private key file must be given together, or neither.")
		return
	}
	for key, path := range map[string]string{publicKey: jwt.PublicKeyPath, privateKey: jwt.PrivateKeyPath} {
		if path != "" && !exists(path) {
			b.report(Error, "CFG-VALUE", key, clip(path)+" is not there or is not a regular file.",
				"name the file that holds the key, or remove both paths to let the server use a pair of its own.")
		}
	}
	if info, err := os.Stat(jwt.PrivateKeyPath); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o037 != 0 {
		b.stop(CodeKeyMode, privateKey, fmt.Sprintf("others may read or change %s.", clip(jwt.PrivateKeyPath)), "chmod 0640 or stricter.")
	}
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
