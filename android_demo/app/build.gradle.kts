plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "hanji.demo"
    compileSdk = libs.versions.compile.sdk.get().toInt()

    defaultConfig {
        applicationId = "hanji.demo"
        minSdk = libs.versions.min.sdk.get().toInt()
        targetSdk = libs.versions.target.sdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
        ndk { abiFilters += "arm64-v8a" }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    // Models are stored uncompressed in the APK, so that the app can read them directly.
    androidResources { noCompress += listOf("onnx", "json", "sha256", "md") }

    sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("bundles"))
}

// The bundles of `make demo`; apk/assets.py documents which files the app needs.
val bundles = tasks.register<Sync>("bundles") {
    val output = rootDir.resolve("../out")
    mapOf("recommender" to "demo", "classifier" to "demo-digits").forEach { (folder, name) ->
        from(output.resolve("$name/bundle")) {
            into(folder)
            exclude("tfjs/**", "*.tflite")
        }
    }
    into(layout.buildDirectory.dir("bundles"))
}

tasks.named("preBuild") { dependsOn(bundles) }

dependencies {
    implementation(project(":core"))
    implementation(libs.onnxruntime.android)
}
