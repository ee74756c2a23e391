package config

import "time"

// Bounds shared by several durations.
const (
	anyTime  = 10 * 365 * 24 * time.Hour
	halfHour = 30 * time.Minute
)

// bind makes the typed configuration; the defaults stand here.
func (b *binder) bind() *Config {
	return &Config{
		ClusterName:    b.text("clusterName", "catalpa"),
		Mode:           Mode(b.choice("mode", "", string(Production), string(Development))),
		DataDir:        b.text("dataDir", "./catalpa-data"),
		Server:         b.server(),
		Operations:     b.operations(),
		Log:            b.log(),
		Limits:         b.limits(),
		Database:       b.database(),
		Search:         b.search(),
		Authentication: b.authentication(),
		Authorizer:     b.authorizer(),
		JWT: JWT{
			PublicKeyPath:  b.text("jwtTokenConfiguration.rsapublicKeyFilePath", ""),
			PrivateKeyPath: b.text("jwtTokenConfiguration.rsaprivateKeyFilePath", ""),
			Issuer:         b.text("jwtTokenConfiguration.jwtissuer", ""),
			KeyID:          b.text("jwtTokenConfiguration.keyId", ""),

			AllowUnlimitedBotTokens: b.flag("jwtTokenConfiguration.allowUnlimitedBotTokens", false),
			RevealBotTokens:         b.flag("jwtTokenConfiguration.revealBotTokens", false),
			RotationOverlap:         b.duration("jwtTokenConfiguration.rotationOverlap", 0, 0, 24*time.Hour),
		},
		Login: Login{
			MaxFailedAttempts: b.number("loginConfig.maxLoginFailAttempts", 3, 1, 1000),
			AccessBlockTime:   b.duration("loginConfig.accessBlockTime", 10*time.Minute, 0, 7*24*time.Hour),
			TokenExpiry:       b.duration("loginConfig.jwtTokenExpiryTime", time.Hour, time.Minute, 30*24*time.Hour),
		},
		Email:     b.email(),
		FernetKey: b.secret("fernetKey"),
		Sources:   b.sources,
	}
}

// Keys of the first connector, the one the server listens on.
const (
	keyHost = "server.applicationConnectors[0].bindHost"
	keyPort = "server.applicationConnectors[0].port"
	keyType = "server.applicationConnectors[0].type"
)

func (b *binder) server() Server {
	return Server{
		Host:            b.text(keyHost, "127.0.0.1"),
		Port:            b.number(keyPort, 8585, 0, 65535),
		ShutdownTimeout: b.duration("server.shutdownGracePeriod", 20*time.Second, 0, halfHour),
		DrainDelay:      b.duration("server.drainDelay", 0, 0, 10*time.Minute),
		TrustedProxies:  b.prefixes("server.trustedProxies"),
		AllowedOrigins:  b.list("server.allowedOrigins", []string{}),
		OutboundAllow:   b.list("server.outboundAllow", []string{}),
	}
}

func (b *binder) log() Log {
	level := b.choice("logging.level", "info", "trace", "debug", "info", "warn", "error", "all", "off")
	switch level {
	case "trace", "all":
		level = "debug"
	case "off":
		level = "error"
	}
	return Log{Level: level, Format: b.choice("logging.format", "text", "text", "json")}
}

func (b *binder) limits() Limits {
	return Limits{
		MaxBodyBytes:    b.size("requestLimits.maxBodyBytes", 10<<20, 1<<10, 1<<30),
		MaxUploadBytes:  b.size("requestLimits.maxUploadBytes", 64<<20, 1<<10, 4<<30),
		MaxHeaderBytes:  int(b.size("requestLimits.maxHeaderBytes", 16<<10, 4<<10, 1<<20)),
		MaxURLBytes:     int(b.size("requestLimits.maxUrlBytes", 8<<10, 1<<10, 1<<20)),
		MaxConcurrent:   b.number("requestLimits.maxConcurrent", 512, 1, 1000000),
		RequestTimeout:  b.duration("requestLimits.requestTimeout", 60*time.Second, time.Second, time.Hour),
		MaxPageSize:     b.number("requestLimits.maxPageSize", 1000000, 1, 1000000),
		MaxBulkRequests: b.number("requestLimits.maxBulkRequests", 10000, 1, 1000000),
	}
}

func (b *binder) email() Email {
	at := func(name string) string { return "email." + name }
	return Email{
		Enabled:    b.flag(at("enableSmtpServer"), false),
		Entity:     b.text(at("emailingEntity"), "Catalpa"),
		SupportURL: b.text(at("supportUrl"), ""),
		Sender:     b.text(at("senderMail"), ""),
		Host:       b.text(at("serverEndpoint"), ""),
		Port:       b.number(at("serverPort"), 0, 1, 65535),
		Username:   b.text(at("username"), ""),
		Password:   b.secret(at("password")),
		Strategy:   b.choice(at("transportationStrategy"), "SMTP_TLS", "SMTP", "SMTPS", "SMTP_TLS"),
	}
}
