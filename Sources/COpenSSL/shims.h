#ifndef MITOSIS_COPENSSL_SHIMS_H
#define MITOSIS_COPENSSL_SHIMS_H

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "OpenSSL 3.0 or newer is needed: install Debian's libssl-dev"
#endif

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* OpenSSL offers these as macros only, and macros with arguments are invisible to Swift. */

static inline int mitosis_ssl_ctx_tls13_only(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
        && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1;
}

static inline int mitosis_ssl_ctx_p256_only(SSL_CTX *context) {
    return SSL_CTX_set1_groups_list(context, "P-256") == 1
        && SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1
        && SSL_CTX_set1_client_sigalgs_list(context, "ECDSA+SHA256") == 1;
}

static inline int mitosis_ssl_ctx_never_resumes(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    return SSL_CTX_set_num_tickets(context, 0) == 1;
}

static inline void mitosis_ssl_ctx_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    /* OpenSSL makes room for as much as a peer announces, before the peer is known. */
    SSL_CTX_set_max_cert_list(context, 16 << 10);
}

static inline int mitosis_ssl_ctx_add_chain(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

/* A memory BIO that is empty says "later", not "end of file". */
static inline BIO *mitosis_bio_memory(void) {
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL) {
        BIO_set_mem_eof_return(bio, -1);
    }
    return bio;
}

static inline long mitosis_bio_contents(BIO *bio, const unsigned char **start) {
    char *data = NULL;
    long length = BIO_get_mem_data(bio, &data);
    *start = (const unsigned char *)data;
    return data == NULL ? 0 : length;
}

static inline int mitosis_general_name_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

/* The text of name `index` when it is a URI, else NULL. */
static inline const ASN1_STRING *mitosis_general_name_uri(const GENERAL_NAMES *names, int index) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    return name->type == GEN_URI ? name->d.uniformResourceIdentifier : NULL;
}

/* Whether verification is at the trusted certificate at the end of a chain, and not at the peer's own. */
static inline int mitosis_is_chain_end(X509_STORE_CTX *store) {
    int depth = X509_STORE_CTX_get_error_depth(store);
    return depth > 0 && depth == sk_X509_num(X509_STORE_CTX_get0_chain(store)) - 1;
}

static inline EVP_PKEY *mitosis_p256_generate(void) {
    return EVP_EC_gen("P-256");
}

static inline void mitosis_x509v3_set_context(
    X509V3_CTX *context, X509 *issuer, X509 *subject, X509_CRL *crl) {
    X509V3_set_ctx(context, issuer, subject, NULL, crl, 0);
    X509V3_set_ctx_nodb(context);
}

#endif
