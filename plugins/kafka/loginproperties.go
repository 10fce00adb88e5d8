package kafka

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/msk"
)

// securityProperties are those of the Java clients, and gx's own, that say how a client and a broker trust each other.
var securityProperties = map[string]property{
	"security.protocol": {text: oneOf(func(l *link, v string) { l.protocol = v }, "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")},

	"sasl.mechanism":   {text: setMechanism},
	"sasl.username":    {text: func(l *link, v string) error { l.user = v; return nil }},
	"sasl.password":    {text: func(l *link, v string) error { l.password = v; return nil }},
	"sasl.jaas.config": {text: setJAAS},

	"sasl.oauthbearer.token":                            {text: func(l *link, v string) error { l.token = v; return nil }},
	endpointProperty:                                    {text: setEndpoint},
	"sasl.oauthbearer.client.credentials.client.id":     {text: setOnce(func(l *link) *string { return &l.oauthID })},
	"sasl.oauthbearer.client.credentials.client.secret": {text: setOnce(func(l *link) *string { return &l.oauthSecret })},
	"sasl.oauthbearer.client.id":                        {text: setOnce(func(l *link) *string { return &l.oauthID })},
	"sasl.oauthbearer.client.secret":                    {text: setOnce(func(l *link) *string { return &l.oauthSecret })},
	"sasl.oauthbearer.scope":                            {text: setOnce(func(l *link) *string { return &l.scope })},
	"sasl.oauthbearer.extensions":                       {text: setExtensions},
	"sasl.oauthbearer.method":                           {text: oneOf(func(*link, string) {}, "oidc")},
	"sasl.oauthbearer.header.urlencode":                 {text: oneOf(func(l *link, v string) { l.urlEncode = v == "true" }, "false", "true")},
	"https.ca.location":                                 {text: func(l *link, v string) error { l.caFile = v; return nil }},
	"https.ca.pem":                                      {text: func(l *link, v string) error { l.caPEM = v; return nil }},
	"sasl.login.connect.timeout.ms":                     {number: func(l *link) *int32 { return &l.connectMs }, min: 1, max: 600_000},
	"sasl.login.read.timeout.ms":                        {number: func(l *link) *int32 { return &l.readMs }, min: 1, max: 600_000},
	"sasl.login.retry.backoff.ms":                       {number: func(l *link) *int32 { return &l.loginBackoffMs }, min: 1, max: 60_000},
	"sasl.login.retry.backoff.max.ms":                   {number: func(l *link) *int32 { return &l.backoffMaxMs }, min: 1, max: 600_000},
	"sasl.login.refresh.buffer.seconds":                 {number: func(l *link) *int32 { return &l.bufferSec }, min: 0, max: 3600},
	"sasl.login.refresh.window.factor":                  {text: setFactor},
	"sasl.login.refresh.window.jitter":                  {ignored: "a token is renewed when a connection needs one"},
	"sasl.login.refresh.min.period.seconds":             {ignored: "a token is renewed when a connection needs one"},
	"sasl.oauthbearer.sub.claim.name":                   {ignored: "brokers judge tokens; gx shows them and looks at their end alone"},
	"sasl.oauthbearer.scope.claim.name":                 {ignored: "brokers judge tokens; gx shows them and looks at their end alone"},

	"aws.region":            {text: setRegion},
	"aws.access.key.id":     {text: func(l *link, v string) error { l.keyID = v; return nil }},
	"aws.secret.access.key": {text: func(l *link, v string) error { l.secretKey = v; return nil }},
	"aws.session.token":     {text: func(l *link, v string) error { l.session = v; return nil }},
	"aws.profile":           {text: setOnce(func(l *link) *string { return &l.profile })},
	"aws.credentials.file":  {text: func(l *link, v string) error { l.credentialsFile = v; return nil }},

	"ssl.endpoint.identification.algorithm": {text: func(l *link, v string) error {
		l.anyHost = v == ""
		if v != "" && !strings.EqualFold(v, "https") {
			return &wrongValue{seen: fmt.Sprintf("%q is not known", v), want: `https, or "" to accept a certificate for another host`, try: "https"}
		}
		return nil
	}},
	"ssl.truststore.location":          {text: func(l *link, v string) error { l.trustFile = v; return nil }},
	"ssl.truststore.type":              {text: oneOf(func(l *link, v string) { l.trustType = v }, "PEM", "JKS", "PKCS12")},
	"ssl.truststore.password":          {text: func(l *link, v string) error { l.trustPassword = v; return nil }},
	"ssl.truststore.certificates":      {text: func(l *link, v string) error { l.trustPEM = v; return nil }},
	"ssl.keystore.location":            {text: func(l *link, v string) error { l.keyFile = v; return nil }},
	"ssl.keystore.type":                {text: oneOf(func(l *link, v string) { l.keyFileType = v }, "PEM", "JKS", "PKCS12")},
	"ssl.keystore.password":            {text: func(l *link, v string) error { l.keyFilePassword = v; return nil }},
	"ssl.keystore.certificate.chain":   {text: func(l *link, v string) error { l.certPEM = v; return nil }},
	"ssl.keystore.key":                 {text: func(l *link, v string) error { l.keyPEM = v; return nil }},
	"ssl.key.password":                 {text: func(l *link, v string) error { l.keyPassword = v; return nil }},
	"ssl.protocol":                     {text: setTLSProtocol},
	"ssl.enabled.protocols":            {text: setEnabled},
	"ssl.cipher.suites":                {text: setSuites},
	"ssl.provider":                     {ignored: "gx brings its own TLS"},
	"ssl.keymanager.algorithm":         {ignored: "gx brings its own TLS"},
	"ssl.trustmanager.algorithm":       {ignored: "gx brings its own TLS"},
	"ssl.secure.random.implementation": {ignored: "gx brings its own TLS"},

	"java.security.auth.login.config": {refused: "gx is no Java program and reads no JAAS file",
		try: "sasl.mechanism, sasl.username and sasl.password in kafkaConfig"},
	"sasl.login.class":                     javaClass("sasl.username and sasl.password"),
	"sasl.login.callback.handler.class":    {text: handler("sasl.mechanism with sasl.username, or " + endpointProperty)},
	"sasl.client.callback.handler.class":   {text: handler("sasl.mechanism with sasl.username, or " + endpointProperty)},
	"sasl.oauthbearer.jwt.retriever.class": {text: handler(endpointProperty)},
	"ssl.engine.factory.class":             javaClass("ssl.truststore.location with a PEM file"),
	"security.providers":                   javaClass("nothing: gx brings its own TLS"),
	"sasl.kerberos.service.name":           {refused: "Kerberos is not available", try: "sasl.mechanism " + mechanismNames},
}

// handlers are classes of Java whose work gx does itself.
var handlers = map[string]string{
	"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler":         mechanismBearer,
	"org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler": mechanismBearer,
	"org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever":           mechanismBearer,
	"org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever":                     mechanismBearer,
	"software.amazon.msk.auth.iam.IAMClientCallbackHandler":                                mechanismIAM,
}

func handler(instead string) func(*link, string) error {
	return func(_ *link, v string) error {
		if mechanism := handlers[v]; mechanism != "" {
			return needless("ignored: sasl.mechanism " + mechanism + " does what this class does in Java")
		}
		return &wrongValue{code: options.CodeNotSupported, seen: "gx is no Java program and loads no class", try: instead}
	}
}

// setOnce sets a text that has several names, or stands in sasl.jaas.config too.
func setOnce(field func(*link) *string) func(*link, string) error {
	return func(l *link, v string) error {
		if at := field(l); *at == "" {
			*at = v
		} else if *at != v {
			return &wrongValue{code: options.CodeConflict, seen: "is given twice, with different values", try: "keep one of them"}
		}
		return nil
	}
}

func setMechanism(l *link, v string) error {
	if strings.EqualFold(v, "GSSAPI") {
		return &wrongValue{code: options.CodeNotSupported, seen: "Kerberos (GSSAPI) is not available", want: mechanismNames}
	}
	return oneOf(func(l *link, v string) { l.mechanism = v }, strings.Split(mechanismNames, ", ")...)(l, v)
}

func setEndpoint(l *link, v string) error {
	u, err := url.Parse(v)
	if err != nil || u.User != nil || !(u.Scheme == "file" && u.Path != "" && u.Host == "" || (u.Scheme == "https" || u.Scheme == "http") && u.Host != "") {
		return &wrongValue{seen: "it is not the address of a token endpoint, or a user stands in it", want: "https://host/path, file:///path of a token"}
	}
	l.tokenURL = v
	return nil
}

var extensionName = regexp.MustCompile(`^[A-Za-z]+$`)

// setExtensions reads name=value,name=value; RFC 7628 says what may stand there, and auth is the token's own name.
func setExtensions(l *link, v string) error {
	for part := range strings.SplitSeq(v, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || !l.extend(name, value) {
			return &wrongValue{seen: "it is not name=value, or a name is not of letters, or auth", want: "name=value, several separated by commas", try: "logicalCluster=lkc-1,identityPoolId=pool-1"}
		}
	}
	return nil
}

func (l *login) extend(name, value string) bool {
	if !extensionName.MatchString(name) || strings.EqualFold(name, "auth") || value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return false
	}
	if l.extensions == nil {
		l.extensions = map[string]string{}
	}
	l.extensions[name] = value
	return true
}

func setFactor(l *link, v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0.5 && f <= 1) {
		return &wrongValue{code: options.CodeOutOfRange, seen: fmt.Sprintf("%q is out of range", v), want: "0.5 to 1.0", try: "0.8"}
	}
	l.factor = f
	return nil
}

func setRegion(l *link, v string) error {
	if !msk.IsRegion(v) {
		return &wrongValue{seen: fmt.Sprintf("%q is not the name of a region", v), want: "such as eu-central-1", try: "eu-central-1"}
	}
	l.region = v
	return nil
}
