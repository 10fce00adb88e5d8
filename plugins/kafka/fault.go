package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/bearer"
	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/sdk"
)

// faultOf says what an error of a broker, or of the way to it, means for the user. what says what was being done.
func faultOf(err error, what string) error {
	var known *sdk.Fault
	var noToken *bearer.Error
	if err != nil {
		err = oneLine{err}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &noToken) && noToken.Refused:
		return sdk.Faultf(sdk.Denied, "%s: %w", what, noToken).At("kafkaConfig").Hint("%s", noToken.Try)
	case errors.As(err, &noToken):
		return sdk.Faultf(sdk.Unreachable, "%s: %w", what, noToken).At("kafkaConfig").Hint("%s", noToken.Try)
	case isAny(err, sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState) || strings.Contains(err.Error(), "SCRAM:"):
		return sdk.Faultf(sdk.Denied, "%s: the broker refuses the login: %w", what, err).At("kafkaConfig").
			Hint("compare sasl.mechanism, sasl.username and sasl.password, or the token, with what the broker knows")
	case isAny(err, sarama.ErrTopicAuthorizationFailed):
		return sdk.Faultf(sdk.Denied, "%s: %w", what, err).At("topic").Hint("the user needs READ and DESCRIBE on the topic")
	case isAny(err, sarama.ErrGroupAuthorizationFailed):
		return sdk.Faultf(sdk.Denied, "%s: %w", what, err).At("groupId").Hint("the user needs READ on the consumer group")
	case isAny(err, sarama.ErrClusterAuthorizationFailed):
		return sdk.Faultf(sdk.Denied, "%s: %w", what, err).At("kafkaConfig").Hint("the user lacks a privilege on the cluster")
	case isAny(err, sarama.ErrInvalidSessionTimeout):
		return sdk.Faultf(sdk.Config, "%s: %w", what, err).At("sessionTimeoutMs").
			Hint("the broker allows group.min.session.timeout.ms to group.max.session.timeout.ms, 6000 to 1800000 by default")
	case isAny(err, sarama.ErrInconsistentGroupProtocol):
		return sdk.Faultf(sdk.Config, "%s: %w", what, err).At("groupId").
			Hint("other members of the group share out partitions by another rule: set partition.assignment.strategy in kafkaConfig, or use a groupId of its own")
	case isAny(err, sarama.ErrFencedInstancedId):
		return sdk.Faultf(sdk.Refused, "%s: %w", what, err).At("kafkaConfig").Hint("another member runs with the same group.instance.id")
	case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		return sdk.Faultf(sdk.Refused, "%s: a batch unpacks to more than %d MiB: %w", what, fetch.MaxBatch>>20, err).At("topic").
			Hint("the producer wrote this batch; gx guards its memory against it")
	}
	if f := tlsFault(err, what); f != nil {
		return f
	}
	f := sdk.Faultf(sdk.Unreachable, "%s: %w", what, err).At("server")
	var budget *fetch.BudgetError
	if errors.As(err, &budget) {
		return f.Hint("the brokers were away for longer than the job waits; run it again when they are back")
	}
	if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "EOF") {
		return f.Hint("the broker hung up at once: does this listener want TLS or a login (security.protocol in kafkaConfig), or does it refuse this one?")
	}
	return f
}

// oneLine is an error whose text is on one line; sarama joins errors with line breaks.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }

func isAny(err error, codes ...sarama.KError) bool {
	for _, c := range codes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}

func isTLS(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		op        *net.OpError
	)
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) || errors.As(err, &record) ||
		errors.As(err, &op) && op.Op == "remote error"
}
