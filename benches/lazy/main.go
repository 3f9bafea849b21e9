// Packs a layer again so that it has a table of contents, with the writers of the two formats that
// have one, and prints its descriptor.
package main

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/containers/storage/pkg/chunked/compressor"
)

const mediaType = "application/vnd.oci.image.layer.v1.tar"

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: lazy estargz|zstd-chunked LAYER.tar.gz TARGET")
	}
	packed, err := pack(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatalf("%s: %v", os.Args[2], err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(packed); err != nil {
		log.Fatal(err)
	}
}

func pack(format, from, to string) (*descriptor, error) {
	source, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	hash := sha256.New()
	out := io.MultiWriter(target, hash)
	packed := &descriptor{Annotations: map[string]string{}}
	switch format {
	case "estargz":
		packed.MediaType = mediaType + "+gzip"
		err = packEstargz(out, source, packed.Annotations)
	case "zstd-chunked":
		packed.MediaType = mediaType + "+zstd"
		err = packChunked(out, source, packed.Annotations)
	default:
		err = fmt.Errorf("%s is no format", format)
	}
	if err != nil {
		return nil, err
	}
	packed.Digest = fmt.Sprintf("sha256:%x", hash.Sum(nil))
	packed.Size, err = target.Seek(0, io.SeekEnd)
	return packed, err
}

func packEstargz(out io.Writer, source *os.File, annotations map[string]string) error {
	info, err := source.Stat()
	if err != nil {
		return err
	}
	layer, err := estargz.Build(io.NewSectionReader(source, 0, info.Size()))
	if err != nil {
		return err
	}
	defer layer.Close()
	annotations[estargz.TOCJSONDigestAnnotation] = layer.TOCDigest().String()
	_, err = io.Copy(out, layer)
	return err
}

func packChunked(out io.Writer, source *os.File, annotations map[string]string) error {
	tar, err := gzip.NewReader(source)
	if err != nil {
		return err
	}
	writer, err := compressor.ZstdCompressor(out, annotations, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(writer, tar); err != nil {
		return err
	}
	return writer.Close()
}
