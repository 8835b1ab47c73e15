// GCM of BearSSL's constant-time AES and GHASH, whose source Tools/bearssl has fetched. BearSSL's own GCM keeps pointers into itself,
// and what is here is moved.
#include "AESGCM.h"

#include <codec/dec32be.c>
#include <codec/dec32le.c>
#include <codec/dec64be.c>
#include <codec/enc32be.c>
#include <codec/enc32le.c>
#include <codec/enc64be.c>
#include <hash/ghash_ctmul64.c>
#include <symcipher/aes_ct64.c>
#include <symcipher/aes_ct64_ctr.c>
#include <symcipher/aes_ct64_enc.c>

_Static_assert(sizeof(br_aes_ct64_ctr_keys) <= sizeof ((aesgcm_key *)0)->schedule, "BearSSL's keys are larger");

static void counter_mode(const aesgcm_key *key, const uint8_t *nonce, uint32_t counter, uint8_t *data, size_t size) {
    // Built without type-based alias analysis.
    br_aes_ct64_ctr_run((const br_aes_ct64_ctr_keys *)key->schedule, nonce, counter, data, size);
}

void aesgcm_prepare(aesgcm_key *key, const uint8_t *secret) {
    static const uint8_t zeros[12];
    memset(key, 0, sizeof *key);
    br_aes_ct64_ctr_init((br_aes_ct64_ctr_keys *)key->schedule, secret, 32);
    counter_mode(key, zeros, 0, key->hash, sizeof key->hash);
}

// SP 800-38D, section 7.1, steps 4 to 6.
static void compute_tag(
    const aesgcm_key *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_size, const uint8_t *data, size_t size,
    uint8_t *tag) {
    uint8_t lengths[16], sum[16] = {0};
    br_ghash_ctmul64(sum, key->hash, associated, associated_size);
    br_ghash_ctmul64(sum, key->hash, data, size);
    br_enc64be(lengths, (uint64_t)associated_size << 3);
    br_enc64be(lengths + 8, (uint64_t)size << 3);
    br_ghash_ctmul64(sum, key->hash, lengths, sizeof lengths);
    counter_mode(key, nonce, 1, sum, sizeof sum);
    memcpy(tag, sum, sizeof sum);
}

void aesgcm_seal(
    const aesgcm_key *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_size, uint8_t *data, size_t size,
    uint8_t *tag) {
    counter_mode(key, nonce, 2, data, size);
    compute_tag(key, nonce, associated, associated_size, data, size, tag);
}

int aesgcm_open(
    const aesgcm_key *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_size, uint8_t *data, size_t size,
    const uint8_t *tag) {
    uint8_t own[16], difference = 0;
    compute_tag(key, nonce, associated, associated_size, data, size, own);
    for (int i = 0; i < 16; i++) difference |= own[i] ^ tag[i];
    if (difference != 0) return 0;
    counter_mode(key, nonce, 2, data, size);
    return 1;
}
