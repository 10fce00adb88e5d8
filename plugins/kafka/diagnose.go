package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/bearer"
	"github.com/gx-etl/gx/plugins/sdk"
)

// probeBudget bounds one question to a listener.
const probeBudget = 3 * time.Second

// listener is what a listener of a broker says of itself.
type listener struct {
	tls, login bool
	mechanisms []string
}

// protocol is the security.protocol that fits.
func (l listener) protocol() string {
	return map[[2]bool]string{{false, false}: "PLAINTEXT", {true, false}: "SSL", {false, true}: "SASL_PLAINTEXT", {true, true}: "SASL_SSL"}[[2]bool{l.tls, l.login}]
}

// explain says what an error of a connection to the first of these addresses that can tell means for the user.
func (l *link) explain(ctx context.Context, err error, what string, addrs ...string) error {
	out := faultOf(err, what)
	var f *sdk.Fault
	if !errors.As(out, &f) || f.Code != sdk.Unreachable && !isAny(err, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState) || noToken(err) {
		return out
	}
	for _, addr := range addrs {
		if known := l.diagnose(ctx, addr, what); known != nil {
			return known
		}
	}
	return out
}

func noToken(err error) bool {
	var e *bearer.Error
	return errors.As(err, &e)
}

// diagnose asks a listener that took no login what it is, because brokers answer a wrong security.protocol by hanging up.
// It returns nil when the listener is what the job takes it for, or gives no answer.
func (l *link) diagnose(ctx context.Context, addr, what string) error {
	found, ok := l.inspect(ctx, addr)
	if !ok {
		return nil
	}
	mechanism := l.wireMechanism()
	switch want := found.protocol(); {
	case found.tls != l.tls() || found.login != l.sasl():
		is := "speaks no TLS"
		switch {
		case found.tls && !l.tls():
			is = "speaks TLS"
		case found.tls == l.tls() && found.login:
			is = "wants a login"
		case found.tls == l.tls():
			is = "wants no login"
		}
		f := sdk.Faultf(sdk.Denied, "%s: %s %s, and security.protocol is %s", what, addr, is, l.protocol).At("kafkaConfig")
		if found.login && !l.sasl() {
			return f.Hint(`"security.protocol": "%s", with sasl.mechanism of %s`, want, strings.Join(found.mechanisms, ", "))
		}
		return f.Hint(`"security.protocol": "%s", or another port in server`, want)
	case l.sasl() && len(found.mechanisms) > 0 && !slices.Contains(found.mechanisms, mechanism):
		return sdk.Faultf(sdk.Denied, "%s: %s has no login by %s", what, addr, mechanism).At("kafkaConfig").
			Hint("it has sasl.mechanism %s", strings.Join(found.mechanisms, ", "))
	}
	return nil
}

// wireMechanism is the mechanism as brokers call it.
func (l *link) wireMechanism() string {
	if l.mechanism == mechanismIAM {
		return mechanismBearer
	}
	return l.mechanism
}

// inspect asks in the open first, then under TLS. It sends no secret, so it takes any certificate.
func (l *link) inspect(ctx context.Context, addr string) (listener, bool) {
	dialer := &net.Dialer{Timeout: probeBudget}
	if conn, err := dialer.DialContext(ctx, "tcp", addr); err == nil {
		found, ok := l.ask(conn)
		if ok {
			return found, true
		}
	}
	config := &tls.Config{}
	if own, err := l.tlsConfig(); err == nil && l.tls() {
		config.Certificates = own.Certificates
	}
	config.InsecureSkipVerify = true // what the listener is does not depend on who it is
	within, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	conn, err := (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(within, "tcp", addr)
	if err != nil {
		return listener{}, false
	}
	found, ok := l.ask(conn)
	found.tls = true
	return found, ok
}

// ask begins a login (SaslHandshake, version 1) and closes the connection. A listener without logins answers that this is
// not the time for one, another lists its mechanisms.
func (l *link) ask(conn net.Conn) (listener, bool) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(probeBudget))
	const correlation = 0x67780001
	mechanism := l.wireMechanism()
	if mechanism == "" {
		mechanism = sarama.SASLTypePlaintext
	}
	body := binary.BigEndian.AppendUint32([]byte{0, 17, 0, 1}, correlation)
	body = binary.BigEndian.AppendUint16(body, uint16(len(l.clientID)))
	body = append(body, l.clientID...)
	body = binary.BigEndian.AppendUint16(body, uint16(len(mechanism)))
	body = append(body, mechanism...)
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		return listener{}, false
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return listener{}, false
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 6 || size > 64<<10 {
		return listener{}, false
	}
	answer := make([]byte, size)
	if _, err := io.ReadFull(conn, answer); err != nil || binary.BigEndian.Uint32(answer) != correlation {
		return listener{}, false
	}
	return handshakeAnswer(answer[4:])
}

// handshakeAnswer reads the answer to a SaslHandshake: a code and the names of mechanisms.
func handshakeAnswer(b []byte) (listener, bool) {
	if len(b) < 2 {
		return listener{}, false
	}
	code := sarama.KError(binary.BigEndian.Uint16(b))
	switch code {
	case sarama.ErrIllegalSASLState:
		return listener{}, true
	case sarama.ErrNoError, sarama.ErrUnsupportedSASLMechanism:
	default:
		return listener{}, false
	}
	out := listener{login: true}
	if len(b) < 6 {
		return listener{}, false
	}
	count := binary.BigEndian.Uint32(b[2:])
	b = b[6:]
	for range count {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			return listener{}, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if name := string(b[2 : 2+n]); legalMechanism(name) {
			out.mechanisms = append(out.mechanisms, name)
		}
		b = b[2+n:]
	}
	return out, true
}

// legalMechanism tells whether a name is one of RFC 4422, and so fit to be shown.
func legalMechanism(name string) bool {
	return name != "" && len(name) <= 20 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// tlsFault says why two that speak TLS do not trust each other; nil when err is about something else.
func tlsFault(err error, what string) error {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		op        *net.OpError
	)
	fault := func(format string, args ...any) *sdk.Fault {
		return sdk.Faultf(sdk.Denied, "%s: "+format, append([]any{what}, args...)...).At("kafkaConfig")
	}
	switch {
	case errors.As(err, &authority):
		signer := "an authority"
		if authority.Cert != nil {
			signer = authority.Cert.Issuer.String()
		}
		return fault("the certificate of the broker is signed by %s, which is not trusted here: %w", signer, err).
			Hint("ssl.truststore.location must name a file with the certificate of that authority, in PEM, JKS or PKCS12")
	case errors.As(err, &host):
		return fault("the broker shows a certificate for another name: %w", err).
			Hint(`use a name of the certificate in server and in advertised.listeners of the brokers, or a certificate with this name; "ssl.endpoint.identification.algorithm": "" takes any name`)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		ends := ""
		if invalid.Cert != nil {
			ends = " (" + invalid.Cert.Subject.String() + ", " + invalid.Cert.NotBefore.UTC().Format(time.RFC3339) + " to " + invalid.Cert.NotAfter.UTC().Format(time.RFC3339) + ")"
		}
		return fault("a certificate of the broker has expired or is not valid yet%s: %w", ends, err).
			Hint("the broker needs a new certificate; or the clock of this machine is wrong")
	case errors.As(err, &invalid), errors.As(err, &verify):
		return fault("the certificate of the broker is not accepted: %w", err).Hint("ssl.truststore.location must name the authority of the brokers")
	case errors.As(err, &record):
		return fault("the broker does not answer in TLS: %w", err).Hint(`"security.protocol": "PLAINTEXT" or "SASL_PLAINTEXT", or another port in server`)
	case errors.As(err, &op) && op.Op == "remote error":
		return alertFault(fault("the broker refuses the TLS of this client: %w", err), op.Err.Error())
	}
	return nil
}

// alertFault adds what the words of a TLS alert mean here.
func alertFault(f *sdk.Fault, alert string) error {
	switch {
	case strings.Contains(alert, "certificate required"), strings.Contains(alert, "bad certificate"), strings.Contains(alert, "certificate authority"),
		strings.Contains(alert, "certificate unknown"), strings.Contains(alert, "unknown certificate"), strings.Contains(alert, "certificate expired"),
		strings.Contains(alert, "access denied"):
		return f.Hint("the broker wants a certificate of the client that it trusts: ssl.keystore.location, signed by an authority in the broker's own trust store")
	case strings.Contains(alert, "protocol version"), strings.Contains(alert, "handshake failure"), strings.Contains(alert, "insufficient security"):
		return f.Hint("client and broker have no version or suite in common, or the broker wants a certificate: see ssl.enabled.protocols, ssl.cipher.suites and ssl.keystore.location")
	}
	return f.Hint("see the log of the broker")
}
