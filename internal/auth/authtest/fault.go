package authtest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"time"
)

// Fault is a misbehaviour, by its name in tests.
type Fault string

// Faults of everything but tokens.
const (
	DiscoveryDown          Fault = "discovery answers 500"
	DiscoveryHTML          Fault = "discovery answers with a page"
	DiscoveryForeignIssuer Fault = "discovery names a foreign issuer"
	DiscoveryPlainOnly     Fault = "discovery offers PKCE with plain only"
	DiscoveryBasicOnly     Fault = "discovery offers client_secret_basic only"
	DiscoveryNoLogout      Fault = "discovery names no place to sign out"

	JWKSDown     Fault = "keys answer 500"
	JWKSHangs    Fault = "keys hang"
	JWKSHuge     Fault = "keys answer with 50 MB"
	JWKSHTML     Fault = "keys answer with a page"
	JWKSRedirect Fault = "keys redirect to the attacker"
	JWKSWeak     Fault = "keys are weak"
	JWKSEmpty    Fault = "keys are none"

	ResponseForeignIss Fault = "response carries a foreign iss"
	ResponseNoIss      Fault = "response lacks iss"
	ResponseError      Fault = "response is an error"
	ResponseTwoCodes   Fault = "response has two codes"

	TokenDown          Fault = "token endpoint answers 500"
	TokenHangs         Fault = "token endpoint hangs"
	TokenDrops         Fault = "token endpoint drops the connection"
	TokenInvalidClient Fault = "token endpoint refuses the client"
	TokenInvalidGrant  Fault = "token endpoint refuses the grant"
	TokenText          Fault = "token endpoint answers with text"
	TokenHuge          Fault = "token endpoint answers with 50 MB"
	TokenRedirect      Fault = "token endpoint redirects to the attacker"
	TokenNoIDToken     Fault = "token endpoint gives no ID token"
	TokenNoRefresh     Fault = "token endpoint gives no refresh token"

	UserinfoDown       Fault = "userinfo answers 500"
	UserinfoForeignSub Fault = "userinfo is about another sub"
)

// Faults of tokens, applied by Token and by the token endpoint.
const (
	NoFault Fault = ""

	SignatureFlipped Fault = "one bit of the signature flipped"
	PayloadFlipped   Fault = "one bit of the payload flipped"
	ForeignKey       Fault = "signed by another key under this kid"
	AlgNone          Fault = "alg none"
	AlgNoneTitle     Fault = "alg None"
	AlgNoneUpper     Fault = "alg NONE"
	AlgNoneMixed     Fault = "alg nOnE"
	AlgNoneSpaced    Fault = "alg none with a space"
	HMACWithPEM      Fault = "HS256 with the public key as PEM"
	HMACWithDER      Fault = "HS256 with the public key as DER"
	HMACWithJWK      Fault = "HS256 with the public key as JWK"
	HMACEmpty        Fault = "HS256 with an empty key"
	AlgES256         Fault = "ES256 where RS256 is expected"
	KidUnknown       Fault = "kid unknown"
	KidPath          Fault = "kid is a path"
	KidSQL           Fault = "kid is SQL"
	KidURL           Fault = "kid is the attacker's URL"
	KidLong          Fault = "kid has 10 KiB"
	KidNUL           Fault = "kid has a NUL"
	KidArray         Fault = "kid is an array"
	KidNumber        Fault = "kid is a number"
	HeaderJKU        Fault = "jku of the attacker"
	HeaderX5U        Fault = "x5u of the attacker"
	HeaderJWK        Fault = "jwk of the attacker"
	HeaderX5C        Fault = "x5c of the attacker"
	HeaderCrit       Fault = "crit"
	TypAccessToken   Fault = "typ at+jwt"
	IssuerForeign    Fault = "iss foreign"
	AudForeign       Fault = "aud of another client"
	AudMissing       Fault = "aud missing"
	AudTwoNoAzp      Fault = "two aud without azp"
	AudTwoForeignAzp Fault = "two aud with a foreign azp"
	AzpForeign       Fault = "azp foreign"
	SubMissing       Fault = "sub missing"
	IatMissing       Fault = "iat missing"
	IatFuture        Fault = "iat in an hour"
	NbfFuture        Fault = "nbf in an hour"
	ExpMissing       Fault = "exp missing"
	ExpString        Fault = "exp is a string"
	ExpFraction      Fault = "exp has a fraction"
	ExpNegative      Fault = "exp negative"
	ExpHuge          Fault = "exp 2^63"
	ExpPast          Fault = "exp 31 s ago"
	NonceMissing     Fault = "nonce missing"
	NonceWrong       Fault = "nonce wrong"
	AtHashWrong      Fault = "at_hash wrong"
	DuplicateName    Fault = "a claim twice"
	DeepJSON         Fault = "JSON of 1,000 levels"
	InvalidUTF8      Fault = "invalid UTF-8"
	FiveParts        Fault = "five parts"
	NineKiB          Fault = "9 KiB"
	LineBreak        Fault = "a line break inside"
	LogoutTokenAsOne Fault = "a logout token"
)

// TokenFault is a fault of a token, and what a server has to answer.
type TokenFault struct {
	ID    string // of the attack in the list of security tests, such as T01
	Fault Fault
	// Codes of refusal that are right.
	Codes []string
	// Login says that it shows only where the nonce or the access token is known.
	Login bool
	// Bearer says that it is one only where a request carries the token.
	Bearer bool

	tamper func(p *BadProvider, d *draft)
}

// draft is a token before it is signed.
type draft struct {
	header, claims map[string]any
	key            any
	payload        []byte // in place of claims
	after          func(token string) string
}

func setHeader(name string, value any) func(*BadProvider, *draft) {
	return func(_ *BadProvider, d *draft) { d.header[name] = value }
}

func setClaim(name string, value any) func(*BadProvider, *draft) {
	return func(_ *BadProvider, d *draft) {
		if value == nil {
			delete(d.claims, name)
			return
		}
		d.claims[name] = value
	}
}

func hmac(key func(p *BadProvider) []byte) func(*BadProvider, *draft) {
	return func(p *BadProvider, d *draft) { d.header["alg"], d.key = "HS256", key(p) }
}

// attacker has the token signed by the attacker's key, and the header point to it.
func attacker(name string, value func(p *BadProvider) any) func(*BadProvider, *draft) {
	return func(p *BadProvider, d *draft) { d.header[name], d.key = value(p), p.foreign() }
}

func after(change func(token string) string) func(*BadProvider, *draft) {
	return func(_ *BadProvider, d *draft) { d.after = change }
}

// in sets a claim that is a time, so much from now.
func in(name string, shift time.Duration) func(*BadProvider, *draft) {
	return func(p *BadProvider, d *draft) { d.claims[name] = p.clock().Add(shift).Unix() }
}

// TokenFaults lists all faults of tokens.
func TokenFaults() []TokenFault {
	faults := append(signatureFaults(), headerFaults()...)
	faults = append(faults, claimFaults()...)
	return append(faults, formFaults()...)
}

func signatureFaults() []TokenFault {
	sig, alg := []string{"SEC-TOK-SIG"}, []string{"SEC-TOK-ALG"}
	none := func(spelling string) func(*BadProvider, *draft) { return setHeader("alg", spelling) }
	return []TokenFault{
		{ID: "T01", Fault: SignatureFlipped, Codes: sig, tamper: after(func(t string) string { return flip(t, 2, "") })},
		{ID: "T01", Fault: PayloadFlipped, Codes: sig, tamper: after(func(t string) string { return flip(t, 1, `"sub":"`) })},
		{ID: "T01", Fault: ForeignKey, Codes: sig, tamper: func(p *BadProvider, d *draft) { d.key = p.foreign() }},
		{ID: "T02", Fault: AlgNone, Codes: alg, tamper: none("none")},
		{ID: "T02", Fault: AlgNoneTitle, Codes: alg, tamper: none("None")},
		{ID: "T02", Fault: AlgNoneUpper, Codes: alg, tamper: none("NONE")},
		{ID: "T02", Fault: AlgNoneMixed, Codes: alg, tamper: none("nOnE")},
		{ID: "T02", Fault: AlgNoneSpaced, Codes: []string{"SEC-TOK-ALG", "SEC-TOK-FORMAT"}, tamper: none("none ")},
		{ID: "T03", Fault: HMACWithPEM, Codes: alg, tamper: hmac(func(p *BadProvider) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.publicDER()})
		})},
		{ID: "T03", Fault: HMACWithDER, Codes: alg, tamper: hmac((*BadProvider).publicDER)},
		{ID: "T03", Fault: HMACWithJWK, Codes: alg, tamper: hmac((*BadProvider).publicJWK)},
		{ID: "T04", Fault: HMACEmpty, Codes: alg, tamper: hmac(func(*BadProvider) []byte { return []byte{} })},
		{ID: "T04", Fault: AlgES256, Codes: alg, tamper: func(p *BadProvider, d *draft) { d.header["alg"], d.key = "ES256", p.elliptic }},
	}
}

func headerFaults() []TokenFault {
	kid, form := []string{"SEC-TOK-KID"}, []string{"SEC-TOK-FORMAT"}
	bad := []string{"SEC-TOK-KID", "SEC-TOK-FORMAT"}
	pointed := []string{"SEC-TOK-SIG", "SEC-TOK-FORMAT"}
	return []TokenFault{
		{ID: "T05", Fault: KidUnknown, Codes: kid, tamper: setHeader("kid", "never-published")},
		{ID: "T05", Fault: KidPath, Codes: kid, tamper: setHeader("kid", "../../etc/passwd")},
		{ID: "T05", Fault: KidSQL, Codes: kid, tamper: setHeader("kid", "' OR 1=1 --")},
		{ID: "T05", Fault: KidURL, Codes: kid, tamper: func(p *BadProvider, d *draft) { d.header["kid"] = p.AttackerURL() + "/key" }},
		{ID: "T05", Fault: KidLong, Codes: bad, tamper: setHeader("kid", strings.Repeat("k", 10<<10))},
		{ID: "T05", Fault: KidNUL, Codes: bad, tamper: setHeader("kid", "a\x00b")},
		{ID: "T05", Fault: KidArray, Codes: bad, tamper: setHeader("kid", []string{"a"})},
		{ID: "T05", Fault: KidNumber, Codes: bad, tamper: setHeader("kid", 7)},
		{ID: "T06", Fault: HeaderJKU, Codes: pointed, tamper: attacker("jku", func(p *BadProvider) any { return p.AttackerURL() + "/jwks" })},
		{ID: "T06", Fault: HeaderX5U, Codes: pointed, tamper: attacker("x5u", func(p *BadProvider) any { return p.AttackerURL() + "/chain" })},
		{ID: "T06", Fault: HeaderJWK, Codes: pointed, tamper: attacker("jwk", func(p *BadProvider) any {
			return publicKey(p.foreign().Public(), "attacker", "")
		})},
		{ID: "T06", Fault: HeaderX5C, Codes: pointed, tamper: attacker("x5c", func(p *BadProvider) any {
			return []string{base64.StdEncoding.EncodeToString(p.foreignCertificate())}
		})},
		{ID: "T12", Fault: HeaderCrit, Codes: form, tamper: func(_ *BadProvider, d *draft) { d.header["crit"], d.header["b64"] = []string{"b64"}, false }},
		{ID: "T13", Fault: TypAccessToken, Codes: []string{"SEC-TOK-AUD", "SEC-TOK-TYPE"}, tamper: setHeader("typ", "at+jwt")},
	}
}

func claimFaults() []TokenFault {
	aud, form, nonce := []string{"SEC-TOK-AUD"}, []string{"SEC-TOK-FORMAT"}, []string{"SEC-TOK-NONCE"}
	skew, expired := []string{"SEC-TOK-SKEW"}, []string{"SEC-TOK-EXPIRED"}
	two := func(p *BadProvider, d *draft) { d.claims["aud"] = []string{p.ClientID, "another"} }
	return []TokenFault{
		{ID: "T08", Fault: IssuerForeign, Codes: []string{"SEC-TOK-ISSUER"}, tamper: setClaim("iss", "https://issuer.example/")},
		{ID: "T07", Fault: AudForeign, Codes: aud, tamper: setClaim("aud", "another")},
		{ID: "T11", Fault: AudMissing, Codes: aud, tamper: setClaim("aud", nil)},
		{ID: "T11", Fault: AudTwoNoAzp, Codes: aud, tamper: two},
		{ID: "T11", Fault: AudTwoForeignAzp, Codes: aud, tamper: func(p *BadProvider, d *draft) { two(p, d); d.claims["azp"] = "another" }},
		{ID: "T11", Fault: AzpForeign, Codes: aud, tamper: setClaim("azp", "another")},
		{ID: "T11", Fault: SubMissing, Codes: []string{"SEC-TOK-FORMAT", "SEC-CLAIM-NONE"}, tamper: setClaim("sub", nil)},
		{ID: "T11", Fault: IatMissing, Codes: form, tamper: setClaim("iat", nil)},
		{ID: "T10", Fault: IatFuture, Codes: skew, tamper: in("iat", time.Hour)},
		{ID: "T10", Fault: NbfFuture, Codes: skew, tamper: in("nbf", time.Hour)},
		{ID: "T10", Fault: ExpMissing, Codes: form, tamper: setClaim("exp", nil)},
		{ID: "T10", Fault: ExpString, Codes: form, tamper: setClaim("exp", "tomorrow")},
		{ID: "T10", Fault: ExpFraction, Codes: form, tamper: func(p *BadProvider, d *draft) { d.claims["exp"] = float64(p.clock().Unix()+600) + 0.5 }},
		{ID: "T10", Fault: ExpNegative, Codes: expired, tamper: setClaim("exp", -1)},
		{ID: "T10", Fault: ExpHuge, Codes: form, tamper: setClaim("exp", uint64(1)<<63)},
		{ID: "T10", Fault: ExpPast, Codes: expired, tamper: in("exp", -31*time.Second)},
		{ID: "T11", Fault: NonceMissing, Codes: nonce, Login: true, tamper: setClaim("nonce", nil)},
		{ID: "T11", Fault: NonceWrong, Codes: nonce, Login: true, tamper: setClaim("nonce", "of-another-attempt")},
		{ID: "T11", Fault: AtHashWrong, Codes: nonce, Login: true, tamper: setClaim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
		{ID: "T13", Fault: LogoutTokenAsOne, Codes: []string{"SEC-TOK-TYPE"}, tamper: func(p *BadProvider, d *draft) {
			d.header["typ"] = "logout+jwt"
			d.claims["events"] = map[string]any{LogoutEvent: map[string]any{}}
		}},
	}
}

func formFaults() []TokenFault {
	form := []string{"SEC-TOK-FORMAT"}
	return []TokenFault{
		{ID: "T12", Fault: DuplicateName, Codes: form, tamper: func(p *BadProvider, d *draft) {
			d.payload = append([]byte(`{"sub":"somebody-else",`), encode(d.claims)[1:]...)
		}},
		{ID: "T12", Fault: DeepJSON, Codes: form, tamper: func(p *BadProvider, d *draft) {
			d.payload = append([]byte(`{"deep":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+","), encode(d.claims)[1:]...)
		}},
		{ID: "T12", Fault: InvalidUTF8, Codes: form, tamper: func(p *BadProvider, d *draft) {
			d.payload = append([]byte("{\"name\":\"\xff\xfe\","), encode(d.claims)[1:]...)
		}},
		{ID: "T12", Fault: FiveParts, Codes: form, tamper: after(func(t string) string { return t + ".AAAA.AAAA" })},
		{ID: "T12", Fault: NineKiB, Codes: form, Bearer: true, tamper: setClaim("padding", strings.Repeat("p", 9<<10))},
		{ID: "T12", Fault: LineBreak, Codes: form, tamper: after(func(t string) string { return t[:20] + "\n" + t[20:] })},
	}
}

// flip changes one bit of one part of a token, in the decoded bytes: in the middle,
// or right behind a text.
func flip(token string, part int, behind string) string {
	parts := strings.Split(token, ".")
	data, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		panic(err) // a token of this package is well-formed
	}
	at := len(data) / 2
	if i := strings.Index(string(data), behind); behind != "" && i >= 0 {
		at = i + len(behind)
	}
	data[at] ^= 1
	parts[part] = base64.RawURLEncoding.EncodeToString(data)
	return strings.Join(parts, ".")
}

func (p *BadProvider) publicDER() []byte {
	key, _ := p.signer()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err) // an RSA key marshals
	}
	return der
}

func (p *BadProvider) publicJWK() []byte {
	key, kid := p.signer()
	return encode(publicKey(key.Public(), kid, ""))
}
