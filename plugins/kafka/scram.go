package kafka

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
)

// scram is the client's side of SCRAM (RFC 5802) without channel binding. Kafka takes user and password as plain UTF-8,
// so nothing is normalized here.
type scram struct {
	hash                 func() hash.Hash
	password             string
	nonce, first, second string
	serverSignature      []byte
	step                 int
	delegated            bool // user and password are those of a delegation token (KIP-48)
}

func newScram(mechanism string, delegated bool) func() sarama.SCRAMClient {
	h := sha256.New
	if mechanism == sarama.SASLTypeSCRAMSHA512 {
		h = sha512.New
	}
	return func() sarama.SCRAMClient { return &scram{hash: h, delegated: delegated} }
}

// maxScramIterations bounds the work that a server can ask for.
const maxScramIterations = 1 << 20

// Begin serves sarama.SCRAMClient.
func (s *scram) Begin(user, password, authzID string) error {
	if authzID != "" {
		return errors.New("SCRAM: acting for another user is not supported")
	}
	if s.nonce == "" {
		s.nonce = rand.Text()
	}
	s.password = password
	s.first = "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user) + ",r=" + s.nonce
	if s.delegated {
		s.first += ",tokenauth=true"
	}
	return nil
}

// Step serves sarama.SCRAMClient.
func (s *scram) Step(challenge string) (string, error) {
	s.step++
	switch s.step {
	case 1:
		return "n,," + s.first, nil
	case 2:
		return s.prove(challenge)
	case 3:
		return "", s.verify(challenge)
	}
	return "", errors.New("SCRAM: the server goes on after the end")
}

// Done serves sarama.SCRAMClient.
func (s *scram) Done() bool { return s.step >= 3 }

func (s *scram) prove(challenge string) (string, error) {
	f := scramFields(challenge)
	salt, err := base64.StdEncoding.DecodeString(f["s"])
	rounds, bad := strconv.Atoi(f["i"])
	if err != nil || bad != nil || rounds < 1 || !strings.HasPrefix(f["r"], s.nonce) || len(f["r"]) == len(s.nonce) {
		return "", errors.New("SCRAM: the server's challenge cannot be read")
	}
	if rounds > maxScramIterations {
		return "", fmt.Errorf("SCRAM: the server asks for %d iterations, more than %d", rounds, maxScramIterations)
	}
	salted, err := pbkdf2.Key(s.hash, s.password, salt, rounds, s.hash().Size())
	if err != nil {
		return "", fmt.Errorf("SCRAM: %w", err)
	}
	s.second = "c=biws,r=" + f["r"]
	auth := s.first + "," + challenge + "," + s.second
	clientKey := s.mac(salted, "Client Key")
	stored := s.hash()
	stored.Write(clientKey)
	proof := s.mac(stored.Sum(nil), auth)
	subtle.XORBytes(proof, proof, clientKey)
	s.serverSignature = s.mac(s.mac(salted, "Server Key"), auth)
	return s.second + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (s *scram) verify(final string) error {
	f := scramFields(final)
	if e, ok := f["e"]; ok {
		return fmt.Errorf("SCRAM: the server refuses: %s", e)
	}
	got, err := base64.StdEncoding.DecodeString(f["v"])
	if err != nil || !hmac.Equal(got, s.serverSignature) {
		return errors.New("SCRAM: the server does not know the password either; it is not the broker it claims to be")
	}
	return nil
}

func (s *scram) mac(key []byte, text string) []byte {
	m := hmac.New(s.hash, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func scramFields(message string) map[string]string {
	f := map[string]string{}
	for part := range strings.SplitSeq(message, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			f[name] = value
		}
	}
	return f
}
