package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// maxRounds bounds the work that the file of a key can ask for.
const maxRounds = 2_000_000

const convert = "write it anew: openssl pkcs8 -topk8 -v2 aes256 -in KEY -out NEW"

// plainKey finds the private key in PEM and returns it as a block that is not encrypted.
func plainKey(text []byte, password string) ([]byte, error) {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return nil, errors.New("it holds no private key in PEM")
		}
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY":
			if password == "" {
				return nil, errors.New("the private key is encrypted, and ssl.key.password is not given")
			}
			der, err := decryptPKCS8(b.Bytes, password)
			if err != nil {
				return nil, fmt.Errorf("the private key: %w", err)
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		case b.Headers["DEK-Info"] != "":
			return nil, fmt.Errorf("the private key is encrypted in an old way that protects little; %s", convert)
		case b.Type == "PRIVATE KEY", b.Type == "RSA PRIVATE KEY", b.Type == "EC PRIVATE KEY":
			return pem.EncodeToMemory(b), nil
		}
	}
}

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

var hmacs = map[string]func() hash.Hash{
	"1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New, "1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
}

// aesKeyLen maps AES in CBC mode to the length of its key.
var aesKeyLen = map[string]int{
	"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32,
}

// decryptPKCS8 opens an EncryptedPrivateKeyInfo (RFC 5958) of PBES2 with PBKDF2 and AES (RFC 8018).
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("it is damaged")
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("it is encrypted by %v, not by PBES2; %s", info.Algorithm.Algorithm, convert)
	}
	var scheme struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, errors.New("it is damaged")
	}
	if !scheme.KDF.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its key is derived by %v, not by PBKDF2; %s", scheme.KDF.Algorithm, convert)
	}
	var kdf struct {
		Salt   []byte
		Rounds int
		KeyLen int                      `asn1:"optional"`
		PRF    pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.KDF.Parameters.FullBytes, &kdf); err != nil {
		return nil, errors.New("it is damaged")
	}
	prf := sha1.New // what the standard takes when nothing is said
	if len(kdf.PRF.Algorithm) > 0 {
		prf = hmacs[kdf.PRF.Algorithm.String()]
	}
	size := aesKeyLen[scheme.Cipher.Algorithm.String()]
	if prf == nil || size == 0 {
		return nil, fmt.Errorf("it is encrypted by %v, which is not AES in CBC mode; %s", scheme.Cipher.Algorithm, convert)
	}
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != aes.BlockSize ||
		len(info.Data) == 0 || len(info.Data)%aes.BlockSize != 0 || kdf.Rounds < 1 || kdf.KeyLen != 0 && kdf.KeyLen != size {
		return nil, errors.New("it is damaged")
	}
	if kdf.Rounds > maxRounds {
		return nil, fmt.Errorf("it asks for %d rounds, more than %d", kdf.Rounds, maxRounds)
	}
	key, err := pbkdf2.Key(prf, password, kdf.Salt, kdf.Rounds, size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(info.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, info.Data)
	wrong := errors.New("ssl.key.password does not fit")
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, wrong
	}
	plain = plain[:len(plain)-pad]
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, wrong
	}
	return plain, nil
}
