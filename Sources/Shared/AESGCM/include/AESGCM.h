// AES-256-GCM (FIPS 197, NIST SP 800-38D) with nonces of 12 bytes and tags of 16. Its time depends on lengths alone, and no vector
// register is used: these are the guest's.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// A key that is ready for use: BearSSL's round keys, and GHASH's.
typedef struct {
    uint64_t schedule[32];
    uint8_t hash[16];
} aesgcm_key;

/// - Parameter secret: 32 bytes.
void aesgcm_prepare(aesgcm_key *key, const uint8_t *secret);
/// Encrypts `size` bytes where they lie, and writes the tag of them and of `associated`, 16 bytes.
void aesgcm_seal(
    const aesgcm_key *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_size, uint8_t *data, size_t size,
    uint8_t *tag);
/// Decrypts `size` bytes where they lie if `tag` is theirs; nothing changes if it is not.
/// - Returns: whether it is.
int aesgcm_open(
    const aesgcm_key *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_size, uint8_t *data, size_t size,
    const uint8_t *tag);
