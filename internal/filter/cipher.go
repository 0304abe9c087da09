package filter

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"io"
	"io/fs"
	"sync"

	"holdfast/internal/errs"
)

// Stored form: "Salted__" (not in raw form), 8 bytes of salt, AES-256 in CBC mode with PKCS#7 padding. Key and vector are derived
// from pass and salt by SHA-1, as "openssl enc -md sha1" does.
const (
	cipherMagic = "Salted__"
	saltSize    = 8
	keySize     = 32
	cipherBatch = 32 << 10 // bytes encrypted or decrypted at once, a multiple of the block size
)

// cipherBuffers holds *[cipherBatch]byte.
var cipherBuffers = sync.Pool{New: func() any { return new([cipherBatch]byte) }}

func newCipher(pass string, salt []byte) (block cipher.Block, vector []byte, err error) {
	var derived, last []byte
	for len(derived) < keySize+aes.BlockSize {
		h := sha1.New()
		h.Write(last)
		io.WriteString(h, pass)
		h.Write(salt)
		last = h.Sum(nil)
		derived = append(derived, last...)
	}
	block, err = aes.NewCipher(derived[:keySize])
	if err != nil {
		return nil, nil, errs.Wrap(errs.Crypto, err, "unable to initialize cipher")
	}
	return block, derived[keySize : keySize+aes.BlockSize], nil
}

// encrypter encrypts to dst. The header is written with the first batch.
type encrypter struct {
	dst    io.Writer
	mode   cipher.BlockMode
	header []byte // until written
	buf    *[cipherBatch]byte
	have   int
}

func newEncrypter(dst io.Writer, pass string, raw bool) (*encrypter, error) {
	header := make([]byte, 0, len(cipherMagic)+saltSize)
	if !raw {
		header = append(header, cipherMagic...)
	}
	salt := header[len(header) : len(header)+saltSize]
	if _, err := rand.Read(salt); err != nil {
		return nil, errs.Wrap(errs.Crypto, err, "unable to get random bytes")
	}
	block, vector, err := newCipher(pass, salt)
	if err != nil {
		return nil, err
	}
	return &encrypter{
		dst:    dst,
		mode:   cipher.NewCBCEncrypter(block, vector),
		header: header[:len(header)+saltSize],
		buf:    cipherBuffers.Get().(*[cipherBatch]byte),
	}, nil
}

func (e *encrypter) Write(b []byte) (int, error) {
	if e.buf == nil {
		return 0, fs.ErrClosed
	}
	written := 0
	for len(b) > 0 {
		n := copy(e.buf[e.have:], b)
		e.have += n
		b = b[n:]
		if e.have == cipherBatch {
			if err := e.flush(); err != nil {
				return written, err
			}
		}
		written += n
	}
	return written, nil
}

// flush encrypts the buffer, which holds whole blocks.
func (e *encrypter) flush() error {
	if e.header != nil {
		if _, err := e.dst.Write(e.header); err != nil {
			return err
		}
		e.header = nil
	}
	batch := e.buf[:e.have]
	e.have = 0
	e.mode.CryptBlocks(batch, batch)
	_, err := e.dst.Write(batch)
	return err
}

// Close pads and writes the last block. It does not close the destination.
func (e *encrypter) Close() error {
	if e.buf == nil {
		return fs.ErrClosed
	}
	pad := aes.BlockSize - e.have%aes.BlockSize
	e.have += copy(e.buf[e.have:], bytes.Repeat([]byte{byte(pad)}, pad))
	err := e.flush()
	cipherBuffers.Put(e.buf)
	e.buf = nil
	return err
}

// decrypter decrypts src. It always holds back the last block it has, whose padding counts only at the end.
type decrypter struct {
	src   io.Reader
	pass  string
	raw   bool
	mode  cipher.BlockMode // nil until the header is read
	buf   *[cipherBatch]byte
	plain []byte // decrypted, not yet read; lies in buf
	rest  []byte // encrypted, not yet decrypted; lies in buf behind plain
	err   error
}

func newDecrypter(src io.Reader, pass string, raw bool) *decrypter {
	return &decrypter{src: src, pass: pass, raw: raw, buf: cipherBuffers.Get().(*[cipherBatch]byte)}
}

func (d *decrypter) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for len(d.plain) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.err = d.fill()
	}
	n := copy(b, d.plain)
	d.plain = d.plain[n:]
	return n, nil
}

// fill decrypts the next batch into plain; at the end it returns io.EOF along with the last bytes.
func (d *decrypter) fill() error {
	if d.buf == nil {
		return fs.ErrClosed
	}
	if d.mode == nil {
		if err := d.readHeader(); err != nil {
			return err
		}
	}
	have := copy(d.buf[:], d.rest)
	n, err := io.ReadAtLeast(d.src, d.buf[have:], aes.BlockSize+1-have)
	have += n
	switch err {
	case nil:
		whole := (have - 1) / aes.BlockSize * aes.BlockSize
		d.mode.CryptBlocks(d.buf[:whole], d.buf[:whole])
		d.plain, d.rest = d.buf[:whole], d.buf[whole:have]
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return d.last(d.buf[:have])
	}
	return err
}

// last decrypts the final block and takes its padding off.
func (d *decrypter) last(block []byte) error {
	if len(block) != aes.BlockSize {
		return errs.New(errs.Crypto, "unable to decrypt: unexpected end of encrypted data")
	}
	d.mode.CryptBlocks(block, block)
	pad := block[aes.BlockSize-1]
	if pad == 0 || pad > aes.BlockSize ||
		!bytes.Equal(block[aes.BlockSize-pad:], bytes.Repeat([]byte{pad}, int(pad))) {
		return errs.New(errs.Crypto, "unable to decrypt: wrong passphrase or damaged data")
	}
	d.plain = block[:aes.BlockSize-pad]
	return io.EOF
}

func (d *decrypter) readHeader() error {
	header := make([]byte, len(cipherMagic)+saltSize)
	if d.raw {
		header = header[len(cipherMagic):]
	}
	n, err := io.ReadFull(d.src, header)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if !d.raw && n >= len(cipherMagic) && string(header[:len(cipherMagic)]) != cipherMagic {
		return errs.New(errs.Crypto, "cipher header invalid")
	}
	if err != nil {
		return errs.New(errs.Crypto, "cipher header missing")
	}
	block, vector, err := newCipher(d.pass, header[len(header)-saltSize:])
	if err != nil {
		return err
	}
	d.mode = cipher.NewCBCDecrypter(block, vector)
	return nil
}

// Close gives the buffer back.
func (d *decrypter) Close() {
	if d.buf != nil {
		cipherBuffers.Put(d.buf)
		d.buf, d.plain, d.rest = nil, nil, nil
		d.err = fs.ErrClosed
	}
}
